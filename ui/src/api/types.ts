// Short names of what the server sends.
import type { Schemas } from "./call";

export type Change = Schemas["Change"];
export type Run = Schemas["Run"];
export type RunDetail = Schemas["RunDetail"];
export type StepState = Schemas["StepState"];
export type Task = Schemas["Task"];
export type Status = Schemas["Status"];
export type StepStatus = Schemas["StepStatus"];
export type Parameter = Schemas["Parameter"];
export type Queue = Schemas["Queue"];
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type Entry = Schemas["penstock.ops.queues.Entry"];
export type Agent = Schemas["Agent"];
export type Model = Schemas["Model"];
