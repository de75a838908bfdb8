/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compressed } from "./tools/compressed.ts";
import { early } from "./tools/early.ts";

// The page is built once and served behind any prefix: all its addresses are relative to <base href>.
export default defineConfig({
  base: "./",
  plugins: [react(), early(), compressed()],
  build: {
    target: ["chrome111", "firefox114", "safari16.4"],
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
    // A first page is few requests: what all screens share is one file, and so are the libraries that all of them use.
    // Else each part that two screens share would be a request of its own.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            {
              name: "libraries",
              test: /node_modules\/(lucide-react|@tanstack|radix-ui|@radix-ui|react|react-dom|scheduler)\//,
            },
            {
              name: "shared",
              test: /src\/(components|api|live|shell\/(?!palette\/(Palette|Sheet|items|fuzzy|recent)))/,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: { "/api": process.env.PENSTOCK_URL ?? "http://127.0.0.1:8765" },
  },
  // Not isolated: a document of its own for each file costs five times what the tests do.
  test: {
    environment: "jsdom",
    isolate: false,
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["./tools/setup.ts"],
  },
});
