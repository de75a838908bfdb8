import { Code } from "../../components/Text";

export const HELLO = `from penstock import PipelineController

def greet(name):
    print(f"Hello, {name}!")

pipe = PipelineController(name="hello", project="demo")
pipe.add_function_step(name="greet", function=greet, function_kwargs={"name": "you"})
pipe.start_locally(run_pipeline_steps_locally=True)
`;

/** What stands here before the first run: eight lines that make one, and a word that it will be seen at once. */
export function FirstPipeline() {
  return (
    <section className="first" aria-labelledby="first">
      <h2 id="first">No pipelines yet</h2>
      <p className="quiet">
        A pipeline is a Python script. Save these lines as <code>hello.py</code>:
      </p>
      <Code text={HELLO} label="A first pipeline" />
      <p className="quiet">and run it where this server is known, with</p>
      <Code text="penstock run hello.py" label="The command" />
      <p className="first-waits" role="status">
        <span className="first-dot" aria-hidden="true" />
        Waiting for your first run. It appears here by itself.
      </p>
    </section>
  );
}
