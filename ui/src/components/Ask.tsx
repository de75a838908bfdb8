import { type FormEvent, type ReactNode, useId, useState } from "react";
import { Button } from "./Button";
import { Dialog } from "./Overlay";
import { ErrorNote } from "./Text";

/** A dialog that asks for something before it is done: its controls are `children`, Enter does it, Escape does not. */
export function Ask(props: {
  onClose: () => void;
  title: string;
  description?: ReactNode;
  /** What the button says: what will be done. */
  action: string;
  danger?: boolean;
  wide?: boolean;
  /** Whether there is enough to do it. */
  ready?: boolean;
  run: () => Promise<unknown>;
  children?: ReactNode;
}) {
  const { onClose, title, description, action, danger, wide, ready = true, run, children } = props;
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setBusy(true);
    run().then(onClose, (found: unknown) => {
      setError(found);
      setBusy(false);
    });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      {...(wide && { wide })}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} look={danger ? "danger" : "primary"} busy={busy} disabled={!ready}>
            {action}
          </Button>
        </>
      }
    >
      <form id={id} className="ask" onSubmit={submit}>
        {children}
        {error !== null && <ErrorNote error={error} />}
      </form>
    </Dialog>
  );
}
