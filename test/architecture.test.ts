import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  acyclic,
  declared,
  faces,
  lines,
  type Manifest,
  order,
  reservations,
  reservedWords,
  type Rule,
  used,
} from './support/architecture.ts'
import { importsOf, readSources, root } from './support/sources.ts'

const workspaces = ['protocol', 'server-sdk', 'agent-sdk', 'service', 'demo']
const sources = await readSources(...workspaces)
const manifests = Object.fromEntries(
  await Promise.all(
    ['', ...workspaces].map(async (folder) => {
      return [
        folder,
        JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as Manifest,
      ] as const
    }),
  ),
)

/** What `rule` says about files that would break it. */
const about = (rule: Rule, files: Readonly<Record<string, string>>) =>
  rule(Object.entries(files).map(([path, text]) => ({ path, text })))

describe('a module imports only from lines below its own, by #name', () => {
  test('in this tree', () => expect(order(sources)).toEqual([]))

  test.each([
    ['an upward import', 'service/src/broker/a.ts', "import { x } from '#gateway'"],
    ['a neighbour on its line', 'service/src/users/a.ts', "import type { X } from '#agents'"],
    ['a type alone', 'service/src/kernel/a.ts', "import {\n  type X,\n} from '#http'"],
    ['a re-export', 'service/src/kernel/a.ts', "export { x } from '#vault'"],
    ['a path into another module', 'service/src/broker/a.ts', "import { x } from '../grants/grants.ts'"],
    ['the composition root', 'service/src/broker/a.ts', "const x = await import('../main.ts')"],
    ['a module that the design does not have', 'service/src/utils/a.ts', ''],
    ['a name that is no module', 'service/src/broker/a.ts', "import { x } from '#utils'"],
  ])('%s is reported', (_, path, text) => expect(about(order, { [path]: text })).toHaveLength(1))
})

describe('a module has one face', () => {
  test('in this tree', () => expect(faces(sources)).toEqual([]))

  test('no folder of the service is empty, and every one is a module', async () => {
    const entries = await readdir(join(root, 'service/src'), { withFileTypes: true })
    const filled = new Set(sources.map(({ path }) => path.split('/')[2]))
    for (const { name } of entries.filter((entry) => entry.isDirectory())) {
      expect(lines.flat()).toContain(name)
      expect(filled).toContain(name)
    }
  })

  test.each([
    ['a module without index.ts', { 'service/src/dlp/a.ts': '' }],
    ['export *', { 'service/src/dlp/index.ts': "export * from './a.ts'" }],
    ['a default export', { 'service/src/dlp/index.ts': 'export default 1' }],
    ['code in a face', { 'protocol/src/index.ts': "export { a } from './a.ts'\nexport const b = 1" }],
  ])('%s is reported', (_, files) => expect(about(faces, files)).toHaveLength(1))
})

describe('what is reserved is imported by those it is reserved for', () => {
  test('in this tree', () => expect(reservations(sources)).toEqual([]))

  test.each([
    ['gateway', '#vault'],
    ['admin', '#vault'],
    ['account', '#vault'],
    ['cli', '#storage'],
    ['config.ts', '#catalogue'],
    ['grants', 'kysely'],
    ['oauth', 'node:sqlite'],
    ['broker', 'hono/html'],
    ['users', '@hono/node-server'],
    ['http', 'oidc-provider'],
    ['gateway', 'undici'],
    ['gateway', '@modelcontextprotocol/server'],
  ])('%s importing %s is reported', (module, name) => {
    const path = module.endsWith('.ts') ? `service/src/${module}` : `service/src/${module}/a.ts`
    expect(about(reservations, { [path]: `import type { X } from '${name}'` })).toHaveLength(1)
  })
})

describe('environment, SQL and requests have one place each', () => {
  test('in this tree', () => expect(reservedWords(sources)).toEqual([]))

  test.each([
    ['process.env', "const x = process.env['X']"],
    ['the environment, taken apart', 'const { env } = process'],
    ['the environment, imported', "import { env } from 'node:process'"],
    ['SQL', 'const q = `select * from grants`'],
    ['fetch', 'await fetch(url)'],
    ['the global fetch', 'const f = globalThis.fetch'],
    ['a request of node:http', "import { createServer, request } from 'node:http'"],
  ])('%s is reported', (_, text) => {
    expect(about(reservedWords, { 'service/src/broker/a.ts': text })).toHaveLength(1)
  })

  test('what a comment says is not done', () => {
    const text = '// never fetch(url)\n/* nor process.env */\nconst a = deps.fetch(url)'
    expect(about(reservedWords, { 'service/src/broker/a.ts': text })).toEqual([])
  })
})

describe('a workspace imports the packages it declares', () => {
  const rule = declared(manifests)
  test('in this tree', () => expect(rule(sources)).toEqual([]))

  test.each([
    ['protocol importing anything but zod', 'protocol/src/a.ts', 'jose'],
    ['the product importing what tests share', 'service/src/a.ts', '../../test/support/postgres.ts'],
    ['an SDK importing the other', 'server-sdk/src/a.ts', '@tetrapod/agent-sdk'],
    ['an SDK importing the service', 'agent-sdk/src/a.ts', '@tetrapod/service'],
    ['an SDK reaching over by path', 'agent-sdk/src/a.ts', '../../server-sdk/src/index.ts'],
    ['a package that nobody declares', 'service/src/broker/a.ts', 'lodash/fp'],
    ['a development dependency at run time', 'server-sdk/src/a.ts', '@modelcontextprotocol/server'],
    ['a tool of the root at run time', 'service/src/broker/a.ts', 'fast-check'],
  ])('%s is reported', (_, path, name) => {
    expect(about(rule, { [path]: `import { x } from '${name}'` })).toHaveLength(1)
  })

  test('a test may import development dependencies, its own and the root’s', () => {
    const text = "import { test } from 'vitest'\nimport { x } from '@modelcontextprotocol/server'"
    expect(about(rule, { 'server-sdk/src/a.test.ts': text })).toEqual([])
  })

  test('protocol may use zod alone even where it declares more', () => {
    const more = declared({ protocol: { dependencies: { zod: '1', jose: '1' } } })
    expect(about(more, { 'protocol/src/a.ts': "import { x } from 'jose'" })).toHaveLength(1)
    const both = declared({ 'agent-sdk': { dependencies: { '@tetrapod/server-sdk': '1' } } })
    expect(about(both, { 'agent-sdk/src/a.ts': "import { x } from '@tetrapod/server-sdk'" })).toHaveLength(1)
  })
})

describe('a workspace declares nothing that it does not import', () => {
  test('in this tree', () => expect(used(manifests)(sources)).toEqual([]))

  test('a dependency that only a test imports is reported', () => {
    const rule = used({ 'agent-sdk': { dependencies: { jose: '1', zod: '1' } } })
    const files = {
      'agent-sdk/src/a.ts': "import { x } from 'jose/jwt'",
      'agent-sdk/src/a.test.ts': "import 'zod'",
    }
    expect(about(rule, files)).toHaveLength(1)
  })
})

describe('no file imports itself through others', () => {
  test('in this tree', () => expect(acyclic(sources)).toEqual([]))

  test('a cycle is reported, also through faces and packages', () => {
    const files = {
      'service/src/vault/index.ts': "export { a } from './a.ts'",
      'service/src/vault/a.ts': "import type { B } from '#kernel'",
      'service/src/kernel/index.ts': "export { b } from '@tetrapod/protocol'",
      'protocol/src/index.ts': "import '../../service/src/vault/index.ts'",
    }
    expect(about(acyclic, files)).toEqual([
      'service/src/vault/index.ts → service/src/vault/a.ts → service/src/kernel/index.ts → protocol/src/index.ts → service/src/vault/index.ts',
    ])
  })
})

test('every form of import is seen, and a sentence that sounds like one is not', () => {
  const text = `import a from 'a'
import type { B } from "b"
import * as c from 'c'
import d, {
  type E,
  e as f,
} from 'd'
import 'e'
export type { F } from 'f'
export * as g from 'g'
const h = await import('h')
let i: import('i').I
new Worker(new URL('./worker.ts', import.meta.url))
// import z from 'z'
const text = "the news from 'y'"
const url = 'http://127.0.0.1' // import x from 'x'
`
  const found = importsOf({ path: 'service/src/vault/a.ts', text })
  expect(found).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'service/src/vault/worker.ts'])
})
