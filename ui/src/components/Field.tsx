import "./field.css";
import { Switch as Radix } from "radix-ui";
import { type ComponentProps, type ReactNode, useId } from "react";
import { useWritten } from "./written";

/** A label over a control, with what is wrong with its value below. `children` is given the ids that it has to carry. */
export function Field(props: {
  label: ReactNode;
  note?: ReactNode;
  error?: string | null;
  children: (ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode;
}) {
  const { label, note, error, children } = props;
  const id = useId();
  const described = [note && `${id}-note`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="field" data-wrong={error ? true : undefined}>
      <label htmlFor={id}>{label}</label>
      {children({ id, ...(described && { "aria-describedby": described }), ...(error && { "aria-invalid": true }) })}
      {note && (
        <p id={`${id}-note`} className="field-note">
          {note}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="field-error">
          {error}
        </p>
      )}
    </div>
  );
}

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input className={["input", className].filter(Boolean).join(" ")} spellCheck={false} {...rest} />;
}

/** What one looks for, as the address keeps it. */
export function FilterInput(
  props: Omit<ComponentProps<"input">, "value" | "onChange"> & { text: string; onText: (text: string) => void },
) {
  const { text, onText, ...rest } = props;
  const { written, write, tell } = useWritten(text, onText);
  return (
    <Input
      type="search"
      value={written}
      onChange={(event) => {
        write(event.target.value);
        tell(event.target.value);
      }}
      {...rest}
    />
  );
}

export function Select({ className, children, ...rest }: ComponentProps<"select">) {
  return (
    <select className={["input", "select", className].filter(Boolean).join(" ")} {...rest}>
      {children}
    </select>
  );
}

/** On or off. */
export function Switch(props: {
  on: boolean;
  onChange: (on: boolean) => void;
  id?: string;
  label?: string;
  disabled?: boolean;
}) {
  const { on, onChange, label, ...rest } = props;
  return (
    <Radix.Root className="switch" checked={on} onCheckedChange={onChange} aria-label={label} {...rest}>
      <Radix.Thumb className="switch-thumb" />
    </Radix.Root>
  );
}
