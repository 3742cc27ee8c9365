#!/usr/bin/env node
// Keeps the house: folders are floors, a file imports only what stands below it, and the deterministic floors use no
// clock, no chance, no environment and no I/O. `npm run lint` runs it; test/floors.test.ts uses the same rule.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

/** From the ground up; folders of one group do not know each other. `index` is src/index.ts, the library entry. */
export const floors = [
  ["waits", "resumable"],
  ["knowledge", "evidence"],
  ["kernel"],
  ["incidents"],
  ["explore", "simulate"],
  ["diagnose", "validate"],
  ["affected"],
  ["report"],
  ["index", "lab"],
  ["cli"],
  ["ui"],
];
/** Same input, same output, byte for byte. */
export const deterministic = ["waits", "resumable", "kernel", "explore", "simulate", "validate"];
/** A compiler inside a deterministic floor: it runs before anything else does, on files. */
const tools = "src/resumable/transform/";
const forbiddenNames = new Set([
  "Date",
  "performance",
  "process",
  "crypto",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
]);

const rank = (floor) => floors.findIndex((group) => group.includes(floor));

/** The floor a path (relative to the root, with `/`) belongs to, or undefined when it is no part of the house. */
export const floorOf = (path) => {
  if (path.startsWith("ui/")) return "ui";
  if (path === "src/index.ts" || path === "src/index.test.ts") return "index";
  return /^src\/([^/]+)\//.exec(path)?.[1];
};

const parse = (path, text) => ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
const lineOf = (source, node) => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;

const specifierOf = (node) => {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier)
    return node.moduleSpecifier.text;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal.text;
  const called = ts.isCallExpression(node) ? node.expression : undefined;
  const loads =
    called && (called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === "require"));
  const [argument] = loads ? node.arguments : [];
  return argument && ts.isStringLiteralLike(argument) ? argument.text : undefined;
};

const importProblem = (path, specifier) => {
  if (!specifier.startsWith(".")) return undefined;
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  const [from, to] = [floorOf(path), floorOf(target)];
  if (to === undefined || from === to) return undefined;
  if (rank(to) < 0) return `imports ${specifier}: folder ${to} is on no floor`;
  if (rank(to) < rank(from)) return undefined;
  return rank(to) === rank(from)
    ? `imports ${specifier}: ${from} and ${to} stand on the same floor`
    : `imports ${specifier}: ${to} stands above ${from}`;
};

const isName = (node) => {
  const p = node.parent;
  const named =
    ts.isPropertyAccessExpression(p) ||
    ts.isPropertyAssignment(p) ||
    ts.isPropertySignature(p) ||
    ts.isPropertyDeclaration(p);
  return (
    (named && p.name === node && !(ts.isPropertyAccessExpression(p) && p.expression.getText() === "globalThis")) ||
    ts.isLiteralTypeNode(p)
  );
};
const chanceProblem = (node) => {
  const p = node.parent;
  if (ts.isPropertyAccessExpression(p) && p.expression === node && p.name.text !== "random") return undefined;
  return "uses Math.random (or Math itself, out of sight)";
};
const determinismProblem = (node, specifier) => {
  if (specifier !== undefined && (specifier.startsWith("node:") || builtinModules.includes(specifier)))
    return `imports ${specifier}: no I/O here`;
  if (!ts.isIdentifier(node) || isName(node)) return undefined;
  if (forbiddenNames.has(node.text)) return `uses ${node.text}`;
  return node.text === "Math" ? chanceProblem(node) : undefined;
};

/** What is wrong with one file. */
export const checkFile = (path, text) => {
  const floor = floorOf(path);
  if (floor === undefined)
    return /^src\/[^/]+$/.test(path) ? [{ file: path, line: 1, message: "src/ holds only index.ts and floors" }] : [];
  if (rank(floor) < 0) return [{ file: path, line: 1, message: `folder ${floor} is on no floor` }];
  const source = parse(path, text);
  const guarded = deterministic.includes(floor) && !path.startsWith(tools) && !path.endsWith(".test.ts");
  const problems = [];
  const visit = (node) => {
    const specifier = specifierOf(node);
    const message =
      (specifier !== undefined && importProblem(path, specifier)) ||
      (guarded && determinismProblem(node, specifier)) ||
      undefined;
    if (message) problems.push({ file: path, line: lineOf(source, node), message });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return problems;
};

const filesUnder = (dir) =>
  !existsSync(dir)
    ? []
    : readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
        if (e.name === "node_modules" || e.name === "dist" || e.name === "samples") return [];
        const path = join(dir, e.name);
        return e.isDirectory() ? filesUnder(path) : /\.(ts|tsx|mts)$/.test(e.name) ? [path] : [];
      });

/** Every source file of the house, relative to `root`, with `/`. */
export const houseFiles = (root) =>
  ["src", "ui"].flatMap((d) => filesUnder(join(root, d))).map((f) => relative(root, f).split(sep).join("/"));

/** What is wrong in the whole house. */
export const checkFloors = (root) => houseFiles(root).flatMap((f) => checkFile(f, readFileSync(join(root, f), "utf8")));

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));
  const problems = checkFloors(root);
  for (const p of problems) process.stderr.write(`${p.file}:${p.line}: ${p.message}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
