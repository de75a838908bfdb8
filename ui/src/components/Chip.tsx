import "./longtable.css";

/** A filter that is on or off. */
export function Chip(props: { on: boolean; onChange: (on: boolean) => void; children: string }) {
  const { on, onChange, children } = props;
  return (
    <button type="button" className="chip-like" aria-pressed={on} onClick={() => onChange(!on)}>
      {children}
    </button>
  );
}
