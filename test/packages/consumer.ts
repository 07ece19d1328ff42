import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Built } from '../../bin/packages/build.ts'
import type { Nodes } from '../support/nodes.ts'
import { run } from '../support/run.ts'
import { programsOf } from './readme.ts'

/** What the programs of the READMEs use, in versions that stay what they are. */
const THEIRS = {
  '@hono/node-server': '2.1.9',
  '@modelcontextprotocol/client': '2.4.0',
  '@modelcontextprotocol/node': '2.1.2',
  '@modelcontextprotocol/sdk': '1.32.2',
  '@modelcontextprotocol/server': '2.4.0',
  '@types/express': '5.0.6',
  '@types/node': '20.19.25',
  express: '5.3.0',
  express4: 'npm:express@4.22.1',
  hono: '4.13.19',
  typescript: '7.0.2',
  typescript5: 'npm:typescript@5.9.3',
}

/** The READMEs that show programs. */
export const sdkFolders = ['protocol', 'server-sdk', 'agent-sdk']

/** An empty project into which tarballs were installed by the npm and the Node of a stranger. */
export async function install(
  directory: string,
  node: string,
  tarballs: readonly Built[],
  theirs: Readonly<Record<string, string>> = {},
): Promise<void> {
  await mkdir(directory, { recursive: true })
  const ours = tarballs.map(({ name, tarball }) => [name, `file:${tarball}`] as const)
  const manifest = { private: true, type: 'module', dependencies: { ...Object.fromEntries(ours), ...theirs } }
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest))
  // A package, ours or one that it brings, that asks for a newer Node fails the installation.
  await succeed(
    ['npm', 'install', '--engine-strict', '--prefer-offline', '--no-fund', '--no-audit'],
    directory,
    node,
  )
}

/** The programs of the READMEs, compiled as strictly as a reader may, by their names with `.js`. */
export async function installSdks(
  directory: string,
  nodes: Nodes,
  sdks: readonly Built[],
): Promise<ReadonlyMap<string, string>> {
  await install(directory, nodes[20], sdks, THEIRS)
  for (const [file, text] of await programsOf(sdkFolders)) await writeFile(join(directory, file), text)
  await Promise.all([
    compile(directory, nodes[20], { module: 'nodenext', outDir: 'built' }),
    compile(directory, nodes[20], { module: 'esnext', moduleResolution: 'bundler', noEmit: true }),
    compile(directory, nodes[20], { module: 'nodenext', noEmit: true }, 'typescript5'),
  ])
  const built = await readdir(join(directory, 'built'))
  const texts = built.map(
    async (file) => [file, await readFile(join(directory, 'built', file), 'utf8')] as const,
  )
  return new Map(await Promise.all(texts))
}

const STRICT = {
  target: 'es2022',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  rootDir: '.',
}

async function compile(
  directory: string,
  node: string,
  options: object,
  compiler = 'typescript',
): Promise<void> {
  const config = `tsconfig.${compiler}.${'noEmit' in options ? 'check' : 'build'}.json`
  const files = (await readdir(directory)).filter((file) => file.endsWith('.ts'))
  await writeFile(
    join(directory, config),
    JSON.stringify({ compilerOptions: { ...STRICT, ...options }, files }),
  )
  await succeed(['node', `node_modules/${compiler}/bin/tsc`, '-p', config], directory, node)
}

async function succeed(words: readonly string[], cwd: string, node: string): Promise<void> {
  const env = { ...process.env, PATH: `${node}:${process.env['PATH'] ?? ''}` }
  const { code, output } = await run(words, { cwd, env }).ended
  if (code !== 0) throw new Error(`${words.join(' ')}\n${output}`)
}
