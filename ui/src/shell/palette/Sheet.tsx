import "./palette.css";
import { Dialog } from "../../components/Overlay";
import { Key } from "../../components/Text";
import { NAVIGATION } from "../navigation";

const EVERYWHERE = [
  ["Ctrl K", "Find anything, or paste an id"],
  ["?", "These keys"],
  ["/", "Filter, or search the screen"],
  ["Esc", "Close what is open"],
] as const;
const LISTS = [
  ["j", "Next row"],
  ["k", "Previous row"],
  ["Enter", "Open it"],
  ["x", "Select it, to do something with several"],
  ["n", "Make a new one"],
  ["Alt ↑", "In a queue: one place forward"],
  ["Alt ↓", "In a queue: one place back"],
] as const;
const RUN = [
  ["← ↑ ↓ →", "Walk through the graph"],
  ["[", "Previous step"],
  ["]", "Next step"],
  ["f", "Fit the graph"],
  ["+", "Nearer"],
  ["-", "Farther"],
  ["l", "Logs"],
  ["r", "Retry what failed"],
  ["a", "Abort"],
] as const;

/** All keys. */
export function Sheet({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open wide title="Keys" onClose={onClose}>
      <div className="sheet">
        <Group title="Everywhere" keys={EVERYWHERE} />
        <Group title="Go to" keys={NAVIGATION.map(({ keys, label }) => [keys, label] as const)} />
        <Group title="Lists" keys={LISTS} />
        <Group title="Run" keys={RUN} />
      </div>
    </Dialog>
  );
}

function Group({ title, keys }: { title: string; keys: readonly (readonly [string, string])[] }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <dl>
        {keys.map(([pressed, does]) => (
          <div key={pressed}>
            <dt>
              {pressed.split(" ").map((one) => (
                <Key key={one}>{one}</Key>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
