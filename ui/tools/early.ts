// Has src/early.ts built as a file of its own, runs it before everything else, and tells it which files a screen needs.
import { build, type Plugin, type Rolldown } from "vite";

const SOURCE = "src/early.ts";
const NAME = "early.js";
const PLACE = "<!-- early -->";

export function early(): Plugin {
  let building = false;
  return {
    name: "early",
    configResolved({ command }) {
      building = command === "build";
    },
    async buildStart() {
      if (building) this.emitFile({ type: "asset", name: NAME, source: await codeOf(SOURCE) });
    },
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }): string {
        const screens = JSON.stringify(bundle ? screensOf(bundle) : {}).replaceAll('"', "&quot;");
        const source = bundle ? `./${fileOf(bundle)}` : `/${SOURCE}`;
        const tags = `<meta name="screens" content="${screens}" />\n    <script type="module" async src="${source}"></script>`;
        if (!html.includes(PLACE)) throw new Error(`index.html has no ${PLACE}`);
        return html.replace(PLACE, tags);
      },
    },
  };
}

/** Return what a source becomes. By a build of its own: as another entry of the page it would tear it into small files. */
async function codeOf(source: string): Promise<string> {
  const options = { write: false, rolldownOptions: { input: source } };
  const built = await build({ configFile: false, logLevel: "warn", publicDir: false, build: options });
  const [one] = Array.isArray(built) ? built : [built];
  const chunk = one && "output" in one ? one.output[0] : undefined;
  if (!chunk || chunk.imports.length) throw new Error(`${source} has to become one file`);
  return chunk.code;
}

function fileOf(bundle: Rolldown.OutputBundle): string {
  const found = Object.values(bundle).find((one) => one.type === "asset" && one.names.includes(NAME));
  if (!found) throw new Error(`the build has no ${NAME}`);
  return found.fileName;
}

/** Return the files of each screen, without those that the page loads in any case. */
function screensOf(bundle: Rolldown.OutputBundle): Record<string, string[]> {
  const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
  const always = new Set(chunks.filter((one) => one.isEntry).flatMap((one) => [one.fileName, ...one.imports]));
  const screens = chunks.filter((one) => one.isDynamicEntry && one.name.endsWith("Screen"));
  return Object.fromEntries(
    screens.map((one) => [one.name, [one.fileName, ...one.imports].filter((file) => !always.has(file))]),
  );
}
