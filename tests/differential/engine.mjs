// Runs a state machine with aws-local-stepfunctions: one JSON object from stdin, one to stdout.
//
// {definition, name, input} gives {requests, error}: what each task was called with, in order. A
// task of `failures` fails as often as the list says, with those errors.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [packages] = process.argv.slice(2);
const entry = `${packages}/aws-local-stepfunctions/build/main.node.esm.js`;
const { ExecutionError, StateMachine } = await import(pathToFileURL(entry));

const { definition, name, input, failures = [] } = JSON.parse(readFileSync(0, "utf8"));
delete definition.TimeoutSeconds; // a timer of JavaScript holds no 109 days
const requests = [];
const task = async (request) => {
  requests.push(request);
  if (failures.length) throw Object.assign(new Error("mocked"), { name: failures.shift() });
  return {};
};
const tasks = Object.entries(definition.States).filter(([, state]) => state.Type === "Task");
const machine = new StateMachine(definition, { validationOptions: { checkArn: false } });
const execution = machine.run(input, {
  overrides: {
    taskResourceLocalHandlers: Object.fromEntries(tasks.map(([state]) => [state, task])),
    retryIntervalOverrides: Object.fromEntries(tasks.map(([state]) => [state, 0])),
  },
  context: { Execution: { Id: "arn", Input: input, Name: name, StartTime: "2026-11-30T00:00:00Z" },
             Task: { Token: "token" } },
});
const error = await execution.result.then(() => null, (found) => found);
if (error && !(error instanceof ExecutionError)) throw error;
process.stdout.write(JSON.stringify({ requests, error: error && String(error.message) }));
