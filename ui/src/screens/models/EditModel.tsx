import { useState } from "react";
import { act } from "../../api/act";
import type { Model } from "../../api/types";
import { Ask } from "../../components/Ask";
import { Field, Input } from "../../components/Field";

/** Changes what people say of a model. */
export function EditModel({ model, onClose }: { model: Model; onClose: () => void }) {
  const [comment, setComment] = useState(model.comment);
  const [tags, setTags] = useState(model.tags.join(", "));
  const { id, task } = model;
  return (
    <Ask
      title={`Edit ${model.name}`}
      action="Save"
      onClose={onClose}
      run={() =>
        act("ChangeModel", { id, task, comment, tags: wordsOf(tags) }, "GetModel", "FindModels", "ListRecords")
      }
    >
      <Field label="Comment">
        {(ids) => (
          <textarea {...ids} className="input" rows={4} value={comment} onChange={(e) => setComment(e.target.value)} />
        )}
      </Field>
      <Field label="Tags" note="Separated by commas.">
        {(ids) => <Input {...ids} value={tags} onChange={(event) => setTags(event.target.value)} />}
      </Field>
    </Ask>
  );
}

/** Return the words of a list that is separated by commas, each once. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.split(",").map((word) => word.trim()))].filter(Boolean);
}
