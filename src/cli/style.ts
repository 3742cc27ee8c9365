/** Colours of the text report; the text says the same without them. */
import { styleText } from "node:util";
import type { TextOptions } from "../report/index.ts";

type Style = NonNullable<TextOptions["style"]>;
type Role = Parameters<Style>[0];

const formats: Readonly<Record<Role, Parameters<typeof styleText>[0]>> = {
  verdict: "bold",
  heading: ["bold", "underline"],
  name: "bold",
  says: "cyan",
  command: "green",
  dim: "dim",
};

/** Wraps a piece of text in the escape sequences of its role. */
export const colored: Style = (role, text) => styleText(formats[role], text);
