import { RotateCcw } from "lucide-react";
import { useState } from "react";
import type { Json } from "../../api/types";
import { Button, IconButton } from "../../components/Button";
import { Input, Select, Switch } from "../../components/Field";
import { controlOf, type Draft, draftOf, type FormField, same, valueIn, wrongWith } from "./values";

/** One parameter: its name and type, its control, and how it differs from what the code says. */
export function ParameterField(props: {
  field: FormField;
  /** The run that values are taken from. */
  source: string;
  draft: Draft;
  /** What the server found wrong with it. */
  refused: string | null;
  onChange: (draft: Draft) => void;
}) {
  const { field, source, draft, refused, onChange } = props;
  const usual = (field.has_default ? field.default : field.value) as Json;
  const wrong = wrongWith(field, draft) ?? refused;
  const differs = draft !== draftOf(field, usual) && (wrong !== null || !same(readable(field, draft), usual));
  const id = `parameter-${field.name}`;
  const about = field.description || (controlOf(field) === "place" ? "A file where it runs, or a URL." : "");
  const described = [about && `${id}-about`, wrong && `${id}-wrong`].filter(Boolean).join(" ");
  return (
    <div className="parameter" data-wrong={wrong ? true : undefined} data-parameter={field.name}>
      <div className="parameter-name">
        <label htmlFor={id} className="mono">
          {field.name}
        </label>
        <span className="faint">{field.type || "any"}</span>
      </div>
      <div className="parameter-value">
        <ControlOf
          field={field}
          source={source}
          draft={draft}
          onChange={onChange}
          ids={{
            id,
            ...(described && { "aria-describedby": described }),
            ...(wrong && { "aria-invalid": true as const }),
          }}
        />
        {wrong && (
          <p id={`${id}-wrong`} className="field-error">
            {wrong}
          </p>
        )}
        {about && (
          <p id={`${id}-about`} className="field-note">
            {about}
          </p>
        )}
      </div>
      <div className="parameter-mark">
        {differs && (
          <>
            <span className="changed" title={field.has_default ? "differs from the default" : "differs from that run"}>
              <span aria-hidden="true">●</span> changed
            </span>
            <IconButton
              label={`Reset ${field.name} to ${text(field, usual)}`}
              icon={<RotateCcw />}
              onClick={() => onChange(draftOf(field, usual))}
            />
          </>
        )}
      </div>
    </div>
  );
}

function readable(field: FormField, draft: Draft): Json {
  const value = valueIn(field, draft);
  const isNumber = field.type === "int" || field.type === "float";
  return isNumber && typeof value === "string" ? Number(value.replaceAll("_", "")) : value;
}

function text(field: FormField, value: Json): string {
  if (controlOf(field) === "secret") return "what it was";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function ControlOf(props: {
  field: FormField;
  source: string;
  draft: Draft;
  onChange: (draft: Draft) => void;
  ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: true };
}) {
  const { field, source, draft, onChange, ids } = props;
  const [seen, setSeen] = useState(false);
  const shared = {
    ...ids,
    value: String(draft),
    placeholder: field.value === null ? "none" : field.example,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
  };
  switch (controlOf(field)) {
    case "switch":
      return (
        <span className="parameter-switch">
          <Switch {...ids} on={draft === true} onChange={onChange} />
          <span className="quiet">{draft === true ? "on" : "off"}</span>
        </span>
      );
    case "choice":
      return (
        <Select {...shared}>
          {field.choices.map((one) => (
            <option key={JSON.stringify(one)} value={JSON.stringify(one)}>
              {typeof one === "string" ? one : JSON.stringify(one)}
            </option>
          ))}
        </Select>
      );
    case "secret":
      return (
        <span className="parameter-secret">
          <Input
            {...shared}
            type={seen ? "text" : "password"}
            autoComplete="new-password"
            spellCheck={false}
            placeholder={field.value === null || field.value === "" ? "none" : `kept from ${source}, not shown`}
          />
          <Button small disabled={draft === ""} onClick={() => setSeen(!seen)}>
            {seen ? "Hide" : "Show"}
          </Button>
        </span>
      );
    case "place":
      return <Input {...shared} type="text" inputMode="url" autoComplete="off" spellCheck={false} />;
    case "date":
      return <Input {...shared} type="date" />;
    case "datetime":
      return <Input {...shared} type="datetime-local" step={1} value={String(draft).slice(0, 19)} />;
    case "code":
      return (
        <textarea
          className="input"
          rows={Math.min(12, String(draft).split("\n").length + 1)}
          spellCheck={false}
          {...shared}
        />
      );
    case "lines":
      return <textarea className="input" rows={Math.min(12, String(draft).split("\n").length + 1)} {...shared} />;
    case "text": {
      const numeric = field.type === "int" ? "numeric" : field.type === "float" ? "decimal" : "text";
      return <Input {...shared} type="text" inputMode={numeric} autoComplete="off" />;
    }
  }
}
