/**
 * The transform: generator functions of a module become resumable functions whose frames are data.
 *
 * `check.ts` refuses what cannot be, `hoist.ts` gives every local a name of its own, `lower.ts` and `expressions.ts` make a
 * list of instructions, `liveness.ts` and `slots.ts` plan the frame, `emit.ts` writes the function. The rest of the module
 * stays as it is.
 *
 * After facebook/regenerator; what differs: no generator objects, the frame is a run of words, only what is alive at a stop
 * is kept, operands are evaluated in the order of the language, and blocks without a stop are left alone.
 */
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { type NodePath, type PluginItem, types as t, transformSync } from "@babel/core";
import { TransformError } from "../errors.ts";
import { checkFunction, closureHolders, type GeneratorPath } from "./check.ts";
import { emitFunction, MOST_LABELS } from "./emit.ts";
import { hoistLocals } from "./hoist.ts";
import { lowerFunction } from "./lower.ts";
import { planFrame } from "./slots.ts";
import { lineOf, refuse } from "./syntax.ts";

const typescript = createRequire(import.meta.url).resolve("@babel/preset-typescript");

/** @since 0.2.0 */
export interface TransformOptions {
  /** Path for messages, metadata and the source map. */
  readonly file: string;
  /** Module specifier of the run-time part (`resumable/functions`). */
  readonly runtime: string;
  /** The source is TypeScript; its types are removed. */
  readonly typescript: boolean;
  /** What an import becomes; as it is when absent. Type imports are gone before it is asked. */
  readonly imports?: (specifier: string, line: number) => string;
}

/** @since 0.2.0 */
export interface Transformed {
  readonly code: string;
  readonly map: object;
}

const RUNTIME = ["", "decode", "define", "direct", "encode", "enter", "frozenArray", "leave", "suspend"];

/** True when the text may contain a generator function, so that the transform has something to do. */
export function hasGenerators(source: string): boolean {
  return /function\s*\*/.test(source) || /(^|[\s{,;])\*\s*[\w$[]+.*\(/m.test(source);
}

/** The shortest run of `$` that begins no name in the module. */
function freePrefix(program: t.Program): string {
  let dollars = 0;
  t.traverseFast(program, (node) => {
    if (t.isIdentifier(node)) dollars = Math.max(dollars, /^\$*/.exec(node.name)?.[0].length ?? 0);
  });
  return "$".repeat(dollars + 1);
}

/** Generator functions to compile, outermost only. Methods have a `this`, which no frame holds; iterators stay as they are. */
function findGenerators(program: NodePath<t.Program>, file: string): GeneratorPath[] {
  const found: GeneratorPath[] = [];
  program.traverse({
    Function(path) {
      if (!path.node.generator) return;
      if (path.isFunctionDeclaration()) {
        if (!atTopLevel(path)) {
          refuse(
            file,
            path.node,
            "declare a resumable function at the module level, or write const f = function* () {...}",
          );
        }
        found.push(path);
      } else if (path.isFunctionExpression()) found.push(path);
      else if (!isIterator(path.node)) {
        refuse(file, path.node, "a generator method: make it a function, or body: function* () {...}");
      }
      path.skip();
    },
  });
  return found;
}

function atTopLevel({ parentPath }: NodePath): boolean {
  return parentPath?.isProgram() === true || parentPath?.isExportDeclaration() === true;
}

/** `*[Symbol.iterator]()`, which is for plain loops. */
function isIterator(node: t.Node): boolean {
  return (t.isObjectMethod(node) || t.isClassMethod(node)) && t.isMemberExpression(node.key);
}

/** What readers call the function: its own name, or that of what it is given to. */
function nameOf(fn: GeneratorPath): string {
  if (fn.node.id != null) return fn.node.id.name;
  const { parent } = fn;
  if (t.isVariableDeclarator(parent) && t.isIdentifier(parent.id)) return parent.id.name;
  if (t.isObjectProperty(parent) && t.isIdentifier(parent.key)) return parent.key.name;
  if (t.isClassProperty(parent) && t.isIdentifier(parent.key)) return parent.key.name;
  return fn.isFunctionDeclaration() ? "default" : "body";
}

/** What `define` is told about the function. */
function compileFunction(fn: GeneratorPath, prefix: string, file: string): t.ObjectExpression {
  const name = nameOf(fn);
  checkFunction(fn, file);
  const locals = hoistLocals(fn);
  const isStable = (local: string): boolean => {
    if (locals.sourceNames.has(local)) return locals.constant.has(local);
    return fn.scope.parent.getBinding(local)?.constant ?? true;
  };
  const code = lowerFunction(fn.node, isStable, prefix, file);
  const shown = new Map([...locals.sourceNames, ...code.temporaries]);
  const plan = planFrame(code, [...shown.keys()], locals.parameters);
  if (code.list.filter((step) => step.kind === "label").length > MOST_LABELS) {
    refuse(file, fn.node, `${name} has too many stops and jumps: divide it`);
  }
  const held = closureHolders(fn.node.body);
  for (const { words } of plan.at.values()) {
    for (const word of words) {
      const closure = held.get(word ?? "");
      if (closure !== undefined) {
        refuse(
          file,
          closure,
          `${shown.get(word as string)} holds a closure over a stop: declare it at the module level`,
        );
      }
    }
  }
  return emitFunction({ name, file, line: lineOf(fn.node), ...locals, shown, code, plan, prefix });
}

/** What is left of the function only says that it must not be called directly; its code is tied to it. */
function replaceFunction(fn: GeneratorPath, prefix: string, file: string): t.Statement | undefined {
  const shown = nameOf(fn);
  const info = compileFunction(fn, prefix, file);
  const { node } = fn;
  const own = (name: string, ...args: t.Expression[]): t.CallExpression =>
    t.callExpression(t.identifier(prefix + name), args);
  node.id ??= fn.scope.generateUidIdentifier(shown);
  node.generator = false;
  node.params = [];
  node.body = t.blockStatement([t.returnStatement(own("direct", t.stringLiteral(shown)))]);
  const { name } = node.id;
  if (fn.isFunctionDeclaration()) return t.expressionStatement(own("define", t.identifier(name), info));
  // the code may refer to its own function by name, so the pair is made inside a function of its own
  const made = t.variableDeclaration("const", [t.variableDeclarator(t.identifier(name), node as t.FunctionExpression)]);
  const pair = t.returnStatement(own("define", t.identifier(name), info));
  fn.replaceWith(t.callExpression(t.arrowFunctionExpression([], t.blockStatement([made, pair])), []));
  fn.skip();
  return undefined;
}

function mapImports(program: NodePath<t.Program>, imports: (specifier: string, line: number) => string): void {
  const map = (source: t.Node | null | undefined): void => {
    if (t.isStringLiteral(source)) source.value = imports(source.value, lineOf(source));
    if (t.isStringLiteral(source)) delete source.extra;
  };
  t.traverseFast(program.node, (node) => {
    if (t.isImportDeclaration(node) || t.isExportNamedDeclaration(node) || t.isExportAllDeclaration(node))
      map(node.source);
    if (t.isImportExpression(node)) map(node.source);
    if (t.isCallExpression(node) && t.isImport(node.callee)) map(node.arguments[0]);
  });
}

/** After all other transforms, so that types are gone. */
function resumable({ file, runtime, imports }: TransformOptions): PluginItem {
  return {
    visitor: {
      Program: {
        exit(program: NodePath<t.Program>) {
          if (imports !== undefined) mapImports(program, imports);
          program.scope.crawl();
          const prefix = freePrefix(program.node);
          const generators = findGenerators(program, file);
          if (generators.length === 0) return;
          const definitions = generators.flatMap((fn) => replaceFunction(fn, prefix, file) ?? []);
          // declarations are hoisted, so their code is too: tables above them may hold them
          const at = program.node.body.findIndex((s) => !t.isImportDeclaration(s));
          program.node.body.splice(Math.max(at, 0), 0, ...definitions);
          const names = RUNTIME.map((name) =>
            t.importSpecifier(t.identifier(prefix + name), t.identifier(name === "" ? "$" : name)),
          );
          program.node.body.push(t.importDeclaration(names, t.stringLiteral(runtime)));
        },
      },
    },
  };
}

/** What the parser or a transform refuses, as one line; anything else as it is. */
function explain(error: unknown, file: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof TransformError) {
    // Babel puts the file in front of every message
    const front = `${resolve(file)}: `;
    return error.message.startsWith(front) ? new TransformError(error.message.slice(front.length)) : error;
  }
  const [what = "", ...frame] = error.message.split("\n");
  const line = (error as { loc?: { line: number } }).loc?.line ?? /^>\s*(\d+) \|/m.exec(frame.join("\n"))?.[1];
  if (line === undefined) return error;
  const said = what.replace(/^.*?: /, "").replace(/ \(\d+:\d+\)$/, "");
  return new TransformError(`${file}:${line}: ${said}`, { cause: error });
}

/**
 * Compiles one module. Throws {@link TransformError} naming file and line for what cannot live in a frame, and for text that
 * is not a module.
 *
 * @since 0.2.0
 */
export function transformModule(source: string, options: TransformOptions): Transformed {
  const { file } = options;
  const types = { onlyRemoveTypeImports: true, allowDeclareFields: true };
  try {
    const done = transformSync(source, {
      configFile: false,
      babelrc: false,
      browserslistConfigFile: false,
      filename: file,
      sourceType: "module",
      compact: false,
      sourceMaps: true,
      sourceFileName: file,
      presets: options.typescript ? [[typescript, types]] : [],
      plugins: [resumable(options)],
    });
    return { code: done?.code as string, map: done?.map as object };
  } catch (error) {
    throw explain(error, file);
  }
}
