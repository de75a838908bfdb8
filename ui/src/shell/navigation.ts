// What the navigation leads to: a line a screen that has a place of its own. `keys` are pressed one after the other.
import type { LinkProps } from "@tanstack/react-router";
import { Box, FlaskConical, Layers, ListVideo, type LucideIcon, ServerCog, Settings, Workflow } from "lucide-react";

export interface Entry {
  to: LinkProps["to"];
  label: string;
  icon: LucideIcon;
  keys: `g ${string}`;
}

export const NAVIGATION: readonly Entry[] = [
  { to: "/", label: "Pipelines", icon: Workflow, keys: "g p" },
  { to: "/runs", label: "Runs", icon: ListVideo, keys: "g r" },
  { to: "/tasks", label: "Tasks", icon: FlaskConical, keys: "g t" },
  { to: "/models", label: "Models", icon: Box, keys: "g m" },
  { to: "/queues", label: "Queues", icon: Layers, keys: "g q" },
  { to: "/agents", label: "Agents", icon: ServerCog, keys: "g a" },
  { to: "/settings", label: "Settings", icon: Settings, keys: "g s" },
];
