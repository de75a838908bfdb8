import { Bookmark, Columns3, Pin, PinOff, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button, IconButton } from "../../components/Button";
import { Field, Input } from "../../components/Field";
import { Menu, MenuItem, MenuLabel, MenuLine } from "../../components/Menu";
import { Dialog } from "../../components/Overlay";
import { RECORD } from "./columns";
import { useNames } from "./names";
import { columnOf, written } from "./query";
import type { RunsSearch } from "./route";
import type { Row } from "./useRuns";
import { useViews } from "./views";

interface ColumnsProps {
  names: readonly string[];
  rows: readonly Row[];
  /** Those that stay at the left edge. */
  pins: readonly string[];
  /** Whether any is wider or narrower than usual. */
  resized: boolean;
  onChange: (names: string[]) => void;
  onPins: (names: string[]) => void;
  onUsual: () => void;
}

/** Chooses the columns and their order, and which stay at the left edge. */
export function ColumnsMenu(props: ColumnsProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button icon={<Columns3 />} onClick={() => setOpen(true)}>
        Columns
      </Button>
      {open && <ColumnsDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}

function ColumnsDialog(props: ColumnsProps & { onClose: () => void }) {
  const { names, rows, pins, resized, onChange, onPins, onUsual, onClose } = props;
  const known = useNames(rows, true);
  const [other, setOther] = useState("");
  const offered = [...known.parameters.map((one) => written(columnOf(one))), ...known.metrics];
  const extras = [...new Set([...names.filter((name) => !RECORD.some((one) => one.name === name)), ...offered])];
  const toggle = (name: string): void =>
    onChange(names.includes(name) ? names.filter((one) => one !== name) : [...names, name]);
  const move = (name: string, by: number): void => {
    const from = names.indexOf(name);
    const rest = names.filter((one) => one !== name);
    onChange([...rest.slice(0, Math.max(0, from + by)), name, ...rest.slice(Math.max(0, from + by))]);
  };
  const add = (event: FormEvent): void => {
    event.preventDefault();
    const column = columnOf(other);
    if (other.trim() && column.type !== "fact" && !names.includes(written(column)))
      onChange([...names, written(column)]);
    setOther("");
  };
  const choice = (name: string, label: string) => (
    <li key={name} className="column-choice">
      <label>
        <input type="checkbox" checked={names.includes(name)} onChange={() => toggle(name)} />
        <span className="cut">{label}</span>
      </label>
      {names.includes(name) && (
        <span>
          <IconButton
            label={pins.includes(name) ? `Let ${label} scroll` : `Keep ${label} at the left edge`}
            icon={pins.includes(name) ? <PinOff /> : <Pin />}
            onClick={() => onPins(pins.includes(name) ? pins.filter((one) => one !== name) : [...pins, name])}
          />
          <IconButton label={`Move ${label} to the left`} icon="←" onClick={() => move(name, -1)} />
          <IconButton label={`Move ${label} to the right`} icon="→" onClick={() => move(name, 1)} />
        </span>
      )}
    </li>
  );
  return (
    <Dialog
      open
      onClose={onClose}
      title="Columns"
      description="What is chosen stands in the address, and can be sent to others."
    >
      <div className="column-choices">
        <section>
          <h3>Of the run</h3>
          <ul>{RECORD.map((one) => choice(one.name, one.label))}</ul>
          {resized && <Button onClick={onUsual}>Usual widths</Button>}
        </section>
        <section>
          <h3>Parameters and metrics</h3>
          {extras.length === 0 && <p className="faint">The newest runs have none.</p>}
          <ul>{extras.map((one) => choice(one, one))}</ul>
          <form onSubmit={add} className="column-add">
            <Field label="Another one" note="Section/name, or title:series with :min or :max">
              {(ids) => (
                <Input
                  {...ids}
                  value={other}
                  placeholder="Args/rate"
                  onChange={(event) => setOther(event.target.value)}
                />
              )}
            </Field>
            <Button type="submit">Add column</Button>
          </form>
        </section>
      </div>
    </Dialog>
  );
}

/** Opens, saves and removes views: names for what stands in the address. */
export function ViewsMenu({ search, onOpen }: { search: RunsSearch; onOpen: (search: RunsSearch) => void }) {
  const { views, save, remove } = useViews();
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!name.trim()) return;
    save(name.trim(), search);
    setNaming(false);
    setName("");
  };
  const same = (view: RunsSearch): boolean => JSON.stringify(view) === JSON.stringify(search);
  return (
    <>
      <Menu
        label="Views"
        trigger={<Button icon={<Bookmark />}>{views.find((one) => same(one.search))?.name ?? "Views"}</Button>}
      >
        <MenuItem onSelect={() => onOpen({})}>All runs</MenuItem>
        {views.length > 0 && <MenuLabel>Saved</MenuLabel>}
        {views.map((one) => (
          <MenuItem key={one.name} onSelect={() => onOpen(one.search)}>
            {one.name}
          </MenuItem>
        ))}
        <MenuLine />
        <MenuItem onSelect={() => setNaming(true)}>Save this view…</MenuItem>
        {views.map((one) => (
          <MenuItem key={one.name} icon={<Trash2 />} onSelect={() => remove(one.name)}>
            Remove {one.name}
          </MenuItem>
        ))}
      </Menu>
      <Dialog open={naming} onClose={() => setNaming(false)} title="Save this view">
        <form onSubmit={submit} className="column-add">
          <Field label="Name">
            {(ids) => <Input {...ids} value={name} onChange={(event) => setName(event.target.value)} />}
          </Field>
          <Button look="primary" type="submit">
            Save
          </Button>
        </form>
      </Dialog>
    </>
  );
}
