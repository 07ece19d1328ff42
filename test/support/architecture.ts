import { builtinModules } from 'node:module'
import { code, importsOf, type Source } from './sources.ts'

/** Says, for each breach of one rule, where it is and what is wrong. */
export type Rule = (sources: readonly Source[]) => readonly string[]

/** The order of `service/src`: a module imports only from lines below its own. The first line is the composition root. */
export const lines: readonly (readonly string[])[] = [
  ['main.ts', 'composition', 'cli', 'config.ts', 'faults.ts'],
  ['storage', 'catalogue'],
  ['admin', 'account', 'gateway', 'oauth'],
  ['broker'],
  ['grants'],
  ['connections'],
  ['users', 'agents', 'servers', 'apis'],
  ['providers', 'tokens'],
  ['policy', 'dlp', 'audit', 'revocation'],
  ['vault', 'tickets'],
  ['secrets'],
  ['http', 'egress'],
  ['trace'],
  ['kernel'],
]
const rootUnit = lines[0] ?? []
const SERVICE = 'service/src/'

/** The module of `service/src` that a path lies in: a folder, or a file of the composition root. */
export function moduleOf(path: string): string {
  return path.startsWith(SERVICE) ? (path.slice(SERVICE.length).split('/')[0] ?? '') : ''
}

const inService = (sources: readonly Source[]) => sources.filter(({ path }) => path.startsWith(SERVICE))
const lineOf = (module: string) => lines.findIndex((line) => line.includes(module))
const isRoot = (module: string) => rootUnit.includes(module)
const isTest = (path: string) => /\.(test|fixture)\.ts$|\/src\/(?:.*\/)?test[^/]*(?:\/|\.ts$)/.test(path)

/** A module imports by `#name` from lines below its own, and by relative path from itself alone. */
export const order: Rule = (sources) =>
  inService(sources).flatMap((source) => {
    const own = moduleOf(source.path)
    if (lineOf(own) === -1) return [`${source.path}: ${own} is not a module of the design`]
    return importsOf(source).flatMap((name) => {
      if (name.startsWith('#')) return below(source.path, own, name.slice(1))
      if (!name.startsWith('service/') || moduleOf(name) === own) return []
      return isRoot(own) && isRoot(moduleOf(name)) ? [] : [`${source.path}: imports ${name}; use #name`]
    })
  })

function below(path: string, own: string, module: string): readonly string[] {
  if (isRoot(module) || lineOf(module) === -1) return [`${path}: #${module} is not a module`]
  return lineOf(module) > lineOf(own) ? [] : [`${path}: ${own} may not import #${module}`]
}

/** A module is a folder with a face: an `index.ts` of named exports and nothing else. */
export const faces: Rule = (sources) => {
  const service = inService(sources)
  const modules = new Set(service.map(({ path }) => moduleOf(path)).filter((name) => !isRoot(name)))
  const faceless = [...modules].filter(
    (name) => !service.some(({ path }) => path === `${SERVICE}${name}/index.ts`),
  )
  return [
    ...faceless.map((name) => `${SERVICE}${name}: has no index.ts`),
    ...sources
      .filter(({ path }) => /^[a-z-]+\/src\/(?:[^/]+\/)?index\.ts$/.test(path))
      .filter(
        ({ text }) =>
          code(text)
            .replaceAll(/export (?:type )?\{[^}]*\} from '[^']+'/g, '')
            .trim() !== '',
      )
      .map(({ path }) => `${path}: holds more than named re-exports`),
  ]
}

interface Reserved {
  readonly name: RegExp
  /** Modules that may. */
  readonly only?: readonly string[]
  /** Modules that may not. */
  readonly never?: readonly string[]
}

const edges = ['admin', 'account', 'gateway', 'oauth']
const reserved: readonly Reserved[] = [
  { name: /^#vault$/, never: ['admin', 'account', 'gateway'] },
  { name: /^#storage$/, only: ['main.ts', 'composition'] },
  { name: /^#catalogue$/, only: ['main.ts', 'composition', 'cli'] },
  { name: /^(?:node:sqlite|kysely|pg)(?:\/|$)/, only: ['storage'] },
  { name: /^@?hono(?:\/|$)/, only: ['http', ...edges] },
  { name: /^oidc-provider(?:\/|$)/, only: ['oauth'] },
  { name: /^undici(?:\/|$)/, only: ['egress'] },
  { name: /^@modelcontextprotocol\//, only: [] },
]

/** Some things are imported by few. */
export const reservations: Rule = (sources) =>
  inService(sources).flatMap((source) => {
    const own = moduleOf(source.path)
    return importsOf(source)
      .filter((name) =>
        reserved.some((rule) => {
          return (
            rule.name.test(name) && (rule.never?.includes(own) === true || rule.only?.includes(own) === false)
          )
        }),
      )
      .map((name) => `${source.path}: ${own} may not import ${name}`)
  })

/** The environment is read in `config.ts`, SQL is written in `storage`, requests are sent by `egress`. */
export const reservedWords: Rule = (sources) =>
  inService(sources)
    .filter(({ path }) => !isTest(path))
    .flatMap(({ path, text }) => {
      const own = moduleOf(path)
      const said = code(text)
      const breaches: readonly [boolean, string][] = [
        [
          own !== 'config.ts' &&
            /\bprocess(?:\?\.|\.|\[['"])env\b|\benv\b[^=;]*\}\s*(?:=\s*process|from 'node:process)/.test(
              said,
            ),
          'reads the environment',
        ],
        [
          own !== 'storage' &&
            /['"`]\s*(?:select\s[^'"`]*\sfrom|insert\s+into|delete\s+from|update\s+\w+\s+set|create\s+table)\s/i.test(
              said,
            ),
          'writes SQL',
        ],
        [
          own !== 'egress' && /(?<![\w.#])fetch\s*\(|\b(?:globalThis|window|self)\.fetch\b/.test(said),
          'calls fetch',
        ],
        // The command line asks the service through its socket.
        [
          !['egress', 'cli'].includes(own) &&
            /import\s*\{[^}]*\b(?:request|get|Agent|connect)\b[^}]*\}\s*from\s*'node:(?:https?|http2|net|tls)'/.test(
              said,
            ),
          'sends a request',
        ],
      ]
      return breaches.filter(([broken]) => broken).map(([, what]) => `${path}: ${what}`)
    })

export interface Manifest {
  readonly name?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const packagesOnly: Readonly<Record<string, RegExp>> = {
  protocol: /^zod$/,
  'server-sdk': /^(?:@tetrapod\/protocol|(?!@tetrapod\/).+)$/,
  'agent-sdk': /^(?:@tetrapod\/protocol|(?!@tetrapod\/).+)$/,
}

/** A workspace imports the packages it declares: at run time `dependencies`, in tests its and the root's others too. */
export function declared(manifests: Readonly<Record<string, Manifest>>): Rule {
  const { dependencies: _, ...root } = manifests[''] ?? {}
  return (sources) =>
    sources.flatMap((source) => {
      const workspace = source.path.split('/')[0] ?? ''
      const own = manifests[workspace]
      if (own === undefined) return []
      const allowed = new Set([
        ...Object.keys(own.dependencies ?? {}),
        ...(isTest(source.path) ? Object.keys({ ...own.devDependencies, ...root.devDependencies }) : []),
      ])
      return importsOf(source).flatMap((name) => undeclared(source.path, workspace, name, allowed))
    })
}

function undeclared(
  path: string,
  workspace: string,
  name: string,
  allowed: ReadonlySet<string>,
): readonly string[] {
  if (name.startsWith('#') || builtinModules.includes(name.replace(/^node:/, '')) || name.startsWith('node:'))
    return []
  if (name.startsWith(`${workspace}/`)) return []
  if (isTest(path) && name.startsWith('test/support/')) return []
  const packageName = packageOf(name)
  if (!allowed.has(packageName)) return [`${path}: ${workspace} does not declare ${packageName}`]
  const only = packagesOnly[workspace]
  return isTest(path) || only === undefined || only.test(packageName)
    ? []
    : [`${path}: ${workspace} may not import ${packageName}`]
}

/** No file imports itself through others, types included. */
export const acyclic: Rule = (sources) => {
  const graph = new Map(sources.map((source) => [source.path, importsOf(source).map(toPath)]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at !== -1) cycles.push([...trail.slice(at), path].join(' → '))
    if (at !== -1 || done.has(path)) return
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return cycles
}

function toPath(name: string): string {
  if (name.startsWith('#')) return `${SERVICE}${name.slice(1)}/index.ts`
  return name.startsWith('@tetrapod/') ? `${name.slice('@tetrapod/'.length)}/src/index.ts` : name
}

/** A workspace declares what it imports at run time, and nothing else. */
export function used(manifests: Readonly<Record<string, Manifest>>): Rule {
  return (sources) =>
    Object.entries(manifests).flatMap(([workspace, { dependencies = {} }]) => {
      const imported = new Set(
        sources
          .filter(({ path }) => path.startsWith(`${workspace}/`) && !isTest(path))
          .flatMap((source) => importsOf(source).map(packageOf)),
      )
      return Object.keys(dependencies)
        .filter((name) => !imported.has(name))
        .map((name) => `${workspace}: declares ${name} and does not import it`)
    })
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}
