import { useNavigate } from "@tanstack/react-router";
import { Ellipsis, RotateCcw, Square } from "lucide-react";
import { useState } from "react";
import { randomWord } from "../../../api/call";
import { useAct, useOp } from "../../../api/queries";
import { Button } from "../../../components/Button";
import { Field, Input } from "../../../components/Field";
import { Menu, MenuItem, MenuLine } from "../../../components/Menu";
import { Dialog } from "../../../components/Overlay";
import { isOver } from "../../../components/status";
import { copy } from "../../../components/Text";
import { toast, toastError } from "../../../components/Toast";
import { useKeys } from "../../../shell/keys";
import type { RunView } from "../view";
import { AffectedDialog } from "./Affected";
import { ofAbort, ofDelete, ofRerun, tagsIn } from "./affected";

type Open = "abort" | "retry" | "rerun" | "tags" | "delete" | null;

/** What can be done with a run; everything says what it will do before it does it. */
export function RunActions({ view }: { view: RunView }) {
  const { run } = view;
  const { id, status, system_tags: marks } = run.task;
  const [open, setOpen] = useState<Open>(null);
  const archive = useArchive(view);
  const isGoing = status === "in_progress" || status === "queued";
  const isDone = isOver(status);
  const mayRetry = status === "failed" || status === "stopped";
  const isArchived = marks.includes("archived");
  useKeys({
    a: () => isGoing && setOpen("abort"),
    r: () => isDone && setOpen("retry"),
  });
  const close = () => setOpen(null);
  return (
    <>
      {isGoing && run.stop_asked === null && (
        <Button small look="danger" icon={<Square />} onClick={() => setOpen("abort")}>
          Abort
        </Button>
      )}
      {mayRetry && (
        <Button small icon={<RotateCcw />} onClick={() => setOpen("retry")}>
          Retry failed
        </Button>
      )}
      <Menu
        label="More actions"
        trigger={
          <Button small icon={<Ellipsis />}>
            More
          </Button>
        }
      >
        {isDone && <MenuItem onSelect={() => setOpen("rerun")}>Rerun everything that changed</MenuItem>}
        <MenuItem onSelect={() => setOpen("tags")}>Edit tags</MenuItem>
        <MenuItem onSelect={() => void copy(id).then(() => toast("The run's id is copied."))}>Copy id</MenuItem>
        {isDone && (
          <>
            <MenuLine />
            <MenuItem onSelect={archive}>{isArchived ? "Bring back from the archive" : "Archive"}</MenuItem>
            <MenuItem danger onSelect={() => setOpen("delete")}>
              Delete
            </MenuItem>
          </>
        )}
      </Menu>
      {open === "abort" && <AbortDialog view={view} onClose={close} />}
      {(open === "retry" || open === "rerun") && <RerunDialog view={view} onClose={close} />}
      {open === "tags" && <TagsDialog view={view} onClose={close} />}
      {open === "delete" && <DeleteDialog view={view} onClose={close} />}
    </>
  );
}

function useArchive({ run }: RunView): () => void {
  const act = useAct("ArchiveRun");
  const { id, name, system_tags: marks } = run.task;
  const archived = !marks.includes("archived");
  return () =>
    act.mutate(
      { id, archived },
      {
        onSuccess: () =>
          toast(archived ? `${name} is archived.` : `${name} is back.`, {
            action: { label: "Undo", run: () => act.mutate({ id, archived: !archived }, { onError: toastError }) },
          }),
        onError: toastError,
      },
    );
}

function AbortDialog({ view, onClose }: { view: RunView; onClose: () => void }) {
  const act = useAct("StopRun");
  const go = (): void =>
    act.mutate(
      { id: view.run.task.id },
      {
        onSuccess: () => {
          toast(`${view.run.task.name} is asked to stop.`);
          onClose();
        },
      },
    );
  return (
    <AffectedDialog
      title={`Abort ${view.run.task.name}?`}
      description="Steps that run are asked to end and then killed. What completed stays, and the run can be taken up again."
      affected={ofAbort(view)}
      error={act.error}
      act="Abort the run"
      look="danger"
      busy={act.isPending}
      onAct={go}
      onClose={onClose}
    />
  );
}

/** A new run that does anew what failed or changed, or a step with what builds on it, or that step alone. */
export function RerunDialog(props: { view: RunView; from?: string; only?: string; onClose: () => void }) {
  const { view, from = null, only = null, onClose } = props;
  const { id: source, name } = view.run.task;
  const plan = useOp("PlanRerun", { source, from_step: from, only });
  const act = useAct("LaunchRun");
  const navigate = useNavigate();
  const go = (): void =>
    act.mutate(
      { source, id: randomWord(), reuse: true, from_step: from, only },
      {
        onSuccess: (run) => {
          toast(`${run.task.name} waits for an agent.`);
          onClose();
          void navigate({ to: "/runs/$run", params: { run: run.task.id }, search: {} });
        },
      },
    );
  const title = only ? `Run only ${only} again?` : from ? `Run again from ${from}?` : `Retry ${name}?`;
  const what = only
    ? "A new run does this step anew; of the others it only runs those that this one needs and that left nothing."
    : from
      ? "A new run does this step anew, and all that build on it. Everything else is reused."
      : "A new run does what failed or was not reached. What completed and has not changed is reused.";
  return (
    <AffectedDialog
      title={title}
      description={`${what} ${name} stays as it is.`}
      affected={plan.data && ofRerun(plan.data)}
      notes={plan.data?.changes ?? []}
      error={plan.error ?? act.error}
      act="Start the run"
      busy={act.isPending}
      onAct={go}
      onClose={onClose}
    />
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
      {open && <RerunDialog view={view} from={from} onClose={() => setOpen(false)} />}
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

function DeleteDialog({ view, onClose }: { view: RunView; onClose: () => void }) {
  const { id, name } = view.run.task;
  const act = useAct("DeleteRun");
  const navigate = useNavigate();
  const go = (): void =>
    act.mutate(
      { id },
      {
        onSuccess: () => {
          toast(`${name} is deleted.`);
          void navigate({ to: "/runs" });
        },
      },
    );
  return (
    <AffectedDialog
      title={`Delete ${name}?`}
      description="The run, its steps, their consoles, metrics and artifacts go for good. Archiving only puts it out of sight."
      affected={ofDelete(view)}
      error={act.error}
      act="Delete the run"
      look="danger"
      busy={act.isPending}
      onAct={go}
      onClose={onClose}
    />
  );
}
