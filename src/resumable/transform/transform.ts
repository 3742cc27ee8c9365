/**
 * The transform: generator functions of a module become resumable functions whose frames are data.
 *
 * Three steps: `prepare.ts` normalises and refuses, Babel's regenerator transform makes one `switch` of each function,
 * `blocks.ts` and `emit.ts` turn that into a function over frames. Everything else of the module stays as it is.
 *
 * After the paper trail of "facebook/regenerator"; what differs: no generator objects, the frame is a run of words, and only
 * what is alive at a stop is kept.
 */
import { createRequire } from "node:module";
import { type NodePath, types as t, transformFromAstSync, transformSync } from "@babel/core";
import { TransformError } from "../errors.ts";
import { describeFunction } from "./emit.ts";
import { prepareFunction } from "./prepare.ts";

const require = createRequire(import.meta.url);
const regenerator = require.resolve("@babel/plugin-transform-regenerator");
const typescript = require.resolve("@babel/preset-typescript");

/** @since 0.2.0 */
export interface TransformOptions {
  /** Path for messages, metadata and the source map. */
  readonly file: string;
  /** Module specifier of the run-time part (`resumable/functions`). */
  readonly runtime: string;
  /** The source is TypeScript; its types are removed. */
  readonly typescript: boolean;
  /** Relative imports of `.ts` files, the run-time part's too, become imports of `.js` files. */
  readonly compiledImports?: boolean;
  /** Source map of the input, when it has been compiled before. */
  readonly inputMap?: NonNullable<Parameters<typeof transformSync>[1]>["inputSourceMap"];
}

/** @since 0.2.0 */
export interface Transformed {
  readonly code: string;
  readonly map: object | undefined;
}

const RUNTIME = ["$", "decode", "define", "direct", "encode", "enter", "frozenArray", "leave", "suspend"];

/** True when the text may contain a generator function, so that the transform has something to do. */
export function hasGenerators(source: string): boolean {
  return /function\s*\*/.test(source) || /^\s*(?:static\s+)?\*\s*[\w$[]+.*\(/m.test(source);
}

/** Methods have a `this`, which no frame holds. */
function refuseMethods(program: NodePath<t.Program>, file: string): void {
  program.traverse({
    Method(path) {
      if (!path.node.generator) return;
      throw new TransformError(
        `${file}:${path.node.loc?.start.line ?? 0}: a generator method: make it a function, or body: function* () {…}`,
      );
    },
  });
}

function prepare(file: string): object {
  return {
    visitor: {
      Program(program: NodePath<t.Program>) {
        refuseMethods(program, file);
        const found: (NodePath<t.FunctionDeclaration> | NodePath<t.FunctionExpression>)[] = [];
        program.traverse({
          Function(path) {
            if (!path.node.generator) return;
            if (path.isFunctionDeclaration() || path.isFunctionExpression()) found.push(path);
          },
        });
        for (const path of found) {
          if (path.findParent((p) => found.includes(p as never)) !== null) continue;
          if (path.isFunctionDeclaration() && !atTopLevel(path)) {
            throw new TransformError(
              `${file}:${path.node.loc?.start.line ?? 0}: declare a resumable function at the module level, or write const f = function* () {…}`,
            );
          }
          prepareFunction(path as NodePath<t.FunctionExpression>, file);
        }
      },
    },
  };
}

function atTopLevel(path: NodePath): boolean {
  const { parentPath } = path;
  return (
    parentPath?.isProgram() === true ||
    parentPath?.isExportNamedDeclaration() ||
    parentPath?.isExportDefaultDeclaration() === true
  );
}

interface Regenerated {
  readonly inner: t.FunctionExpression;
  readonly locals: string[];
}

/** Body of a regenerated function: `var a, b; return _regenerator().w(function (_context) {…}, …)`. */
function regenerated(fn: t.Function): Regenerated | undefined {
  if (!t.isBlockStatement(fn.body)) return undefined;
  const statements = fn.body.body;
  const last = statements.at(-1);
  const made = t.isReturnStatement(last) ? last.argument : undefined;
  if (!t.isCallExpression(made) || !t.isMemberExpression(made.callee) || !isHelper(made.callee.object))
    return undefined;
  const locals = statements.flatMap((s) =>
    t.isVariableDeclaration(s) ? s.declarations.map((d) => (d.id as t.Identifier).name) : [],
  );
  return { inner: made.arguments[0] as t.FunctionExpression, locals };
}

/** `_regenerator()` */
function isHelper(node: t.Node): boolean {
  return t.isCallExpression(node) && t.isIdentifier(node.callee) && /^_regenerator\d*$/.test(node.callee.name);
}

function lower(file: string): object {
  return {
    visitor: {
      Program: {
        exit(program: NodePath<t.Program>) {
          const definitions: t.Statement[] = [];
          program.traverse({
            Function: {
              exit(path) {
                const parts = regenerated(path.node);
                if (parts === undefined) return;
                lowerFunction(path as never, parts, file, definitions);
              },
            },
          });
          removeHelpers(program);
          const at = program.node.body.findIndex((s) => !t.isImportDeclaration(s));
          program.node.body.splice(at < 0 ? 0 : at, 0, ...definitions);
        },
      },
    },
  };
}

function lowerFunction(
  path: NodePath<t.FunctionDeclaration> | NodePath<t.FunctionExpression>,
  { inner, locals }: Regenerated,
  file: string,
  definitions: t.Statement[],
): void {
  const name = (path.node.id as t.Identifier).name;
  const context = (inner.params[0] as t.Identifier).name;
  const parameters = path.node.params.map((p) => (p as t.Identifier).name);
  const line = path.node.loc?.start.line ?? 0;
  const info = describeFunction(name, file, line, parameters, locals, inner.body, context);
  path.node.params = [];
  path.node.body = t.blockStatement([
    t.returnStatement(t.callExpression(t.identifier("$direct"), [t.stringLiteral(name)])),
  ]);
  if (path.isFunctionDeclaration()) {
    definitions.push(t.expressionStatement(t.callExpression(t.identifier("$define"), [t.identifier(name), info])));
  } else {
    // the code refers to its own function by name, so the pair is made inside a function of its own
    const made = t.variableDeclaration("const", [
      t.variableDeclarator(t.identifier(name), path.node as t.FunctionExpression),
    ]);
    const pair = t.returnStatement(t.callExpression(t.identifier("$define"), [t.identifier(name), info]));
    const maker = t.callExpression(t.arrowFunctionExpression([], t.blockStatement([made, pair])), []);
    const outer = path.parentPath;
    const wrapped =
      outer?.isCallExpression() && t.isMemberExpression(outer.node.callee) && isHelper(outer.node.callee.object);
    ((wrapped ? outer : path) as NodePath).replaceWith(maker);
    ((wrapped ? outer : path) as NodePath).skip();
  }
}

/** The helpers of the regenerator transform and its marks have no more users. */
function removeHelpers(program: NodePath<t.Program>): void {
  program.node.body = program.node.body.filter((statement) => {
    if (t.isFunctionDeclaration(statement))
      return !/^_regenerator(Define|Values|Keys)?\d*$/.test(statement.id?.name ?? "");
    if (!t.isVariableDeclaration(statement)) return true;
    statement.declarations = statement.declarations.filter((d) => !isMark(d.init));
    return statement.declarations.length > 0;
  });
}
function isMark(node: t.Node | null | undefined): boolean {
  return t.isCallExpression(node) && t.isMemberExpression(node.callee) && isHelper(node.callee.object);
}

/**
 * Compiles one module. Throws {@link TransformError} naming file and line for what cannot live in a frame.
 *
 * @since 0.2.0
 */
export function transformModule(source: string, options: TransformOptions): Transformed {
  const { file } = options;
  const common = {
    configFile: false,
    babelrc: false,
    filename: file,
    sourceType: "module",
    retainLines: false,
  } as const;
  const first = transformSync(source, {
    ...common,
    ast: true,
    code: false,
    presets: options.typescript
      ? [
          [
            typescript,
            {
              onlyRemoveTypeImports: true,
              allowDeclareFields: true,
              rewriteImportExtensions: options.compiledImports ?? false,
            },
          ],
        ]
      : [],
    plugins: [],
  });
  const prepared = transformFromAstSync(first?.ast as t.File, source, {
    ...common,
    ast: true,
    code: false,
    plugins: [prepare(file)],
  });
  const second = transformFromAstSync(prepared?.ast as t.File, source, {
    ...common,
    ast: true,
    code: false,
    plugins: [[regenerator, {}]],
  });
  const third = transformFromAstSync(second?.ast as t.File, source, {
    ...common,
    sourceMaps: true,
    sourceFileName: file,
    plugins: [lower(file)],
    ...(options.inputMap === undefined ? {} : { inputSourceMap: options.inputMap }),
  });
  const names = RUNTIME.map((n) => (n === "$" ? "$" : `${n} as $${n}`)).join(", ");
  const runtime = options.compiledImports === true ? options.runtime.replace(/\.ts$/, ".js") : options.runtime;
  const opening = `import { ${names} } from ${JSON.stringify(runtime)};`;
  // imports are hoisted; behind the module's text the source map still fits
  return { code: `${third?.code ?? ""}\n${opening}`, map: third?.map ?? undefined };
}
