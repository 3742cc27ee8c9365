import { defineConfig } from "vitest/config";
import { resumablePrograms } from "./src/resumable/transform/vite-plugin.ts";

export default defineConfig({
  plugins: [resumablePrograms(import.meta.dirname)],
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 60_000,
    pool: "threads",
    maxWorkers: 2,
  },
});
