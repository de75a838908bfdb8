import { Link, useNavigate } from "@tanstack/react-router";
import { Ellipsis, RotateCcw, Square } from "lucide-react";
import { useState } from "react";
import { useAct } from "../../../api/queries";
import { Button } from "../../../components/Button";
import { Field, Input } from "../../../components/Field";
import { Menu, MenuItem, MenuLine } from "../../../components/Menu";
import { Dialog } from "../../../components/Overlay";
import { isOver } from "../../../components/status";
import { copy } from "../../../components/Text";
import { toast, toastError } from "../../../components/Toast";
import { useKeys } from "../../../shell/keys";
import type { RunView } from "../view";
import { ActionDialog } from "./ActionDialog";
import { type Action, tagsIn } from "./effects";

/** What can be done with a run; everything says what it will do before it does it. */
export function RunActions({ view }: { view: RunView }) {
  const { run } = view;
  const { id, status, system_tags: marks } = run.task;
  const [action, setAction] = useState<Action | null>(null);
  const [tags, setTags] = useState(false);
  const isGoing = status === "in_progress" || status === "queued";
  const isDone = isOver(status);
  const mayRetry = status === "failed" || status === "stopped";
  const isArchived = marks.includes("archived");
  const navigate = useNavigate();
  useKeys({
    n: () => void navigate({ to: "/new", search: { source: id } }),
    a: () => isGoing && setAction("abort"),
    r: () => isDone && setAction(mayRetry ? "resume" : "rerun"),
  });
  return (
    <>
      {isGoing && run.stop_asked === null && (
        <Button small look="danger" icon={<Square />} onClick={() => setAction("abort")}>
          Abort
        </Button>
      )}
      {mayRetry && (
        <Button small icon={<RotateCcw />} onClick={() => setAction("resume")}>
          Retry failed
        </Button>
      )}
      {run.number > 0 && (
        <Link to="/new" search={{ source: id }} className="button small">
          New run
        </Link>
      )}
      <Menu
        label="More actions"
        trigger={
          <Button small icon={<Ellipsis />}>
            More
          </Button>
        }
      >
        {isDone && <MenuItem onSelect={() => setAction("rerun")}>Rerun as a new run</MenuItem>}
        <MenuItem onSelect={() => setTags(true)}>Edit tags</MenuItem>
        <MenuItem onSelect={() => void copy(id).then(() => toast("The run's id is copied."))}>Copy id</MenuItem>
        {isDone && (
          <>
            <MenuLine />
            <MenuItem onSelect={() => setAction(isArchived ? "restore" : "archive")}>
              {isArchived ? "Bring back from the archive" : "Archive"}
            </MenuItem>
            <MenuItem danger onSelect={() => setAction("delete")}>
              Delete
            </MenuItem>
          </>
        )}
      </Menu>
      {action !== null && <ActionDialog run={run} action={action} onClose={() => setAction(null)} />}
      {tags && <TagsDialog view={view} onClose={() => setTags(false)} />}
    </>
  );
}

/** A button that offers to run again from a step. */
export function RerunButton({ view, from }: { view: RunView; from: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button small icon={<RotateCcw />} onClick={() => setOpen(true)}>
        Rerun from here
      </Button>
      {open && <ActionDialog run={view.run} action="rerun from" step={from} onClose={() => setOpen(false)} />}
    </>
  );
}

function TagsDialog({ view, onClose }: { view: RunView; onClose: () => void }) {
  const { id, name, tags } = view.run.task;
  const [text, setText] = useState(tags.join(", "));
  const act = useAct("DescribeTask");
  const go = (): void => act.mutate({ id, tags: tagsIn(text) }, { onSuccess: onClose, onError: toastError });
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Tags of ${name}`}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" busy={act.isPending} onClick={go}>
            Save tags
          </Button>
        </>
      }
    >
      <Field label="Tags" note="Words with commas between them.">
        {(ids) => (
          <Input
            {...ids}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => event.key === "Enter" && go()}
          />
        )}
      </Field>
    </Dialog>
  );
}
