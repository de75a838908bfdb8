const NAMES: Readonly<Record<string, string>> = {
  cpu: "CPU",
  memory: "Memory",
  disk: "Disk",
  gpu: "GPU",
  gpu_memory: "GPU mem",
};

/** How much of something a machine uses, in percent, as a bar and a number. */
export function Gauge({ name, percent }: { name: string; percent: number }) {
  const shown = Math.round(Math.max(0, Math.min(100, percent)));
  const label = NAMES[name] ?? name;
  return (
    <div className="gauge">
      <span className="faint">{label}</span>
      <meter min={0} max={100} high={90} value={shown} aria-label={label} />
      <span className="number">{shown} %</span>
    </div>
  );
}
