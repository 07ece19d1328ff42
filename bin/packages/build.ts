import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Manifest, readManifest, releasedManifest } from './manifest.ts'
import { type Released, released } from './released.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

export interface Built {
  readonly name: string
  readonly version: string
  readonly tarball: string
}

/**
 * Compiles every released package and packs it into `directory`, which is made. Only what its entries reach is compiled, so
 * that no test comes along. Throws where something does not compile.
 */
export async function buildPackages(directory: string): Promise<readonly Built[]> {
  const manifests = await Promise.all(released.map(({ folder }) => readManifest(root, folder)))
  await mkdir(directory, { recursive: true })
  return Promise.all(
    released.map((it, index) => buildPackage(it, manifests[index] as Manifest, manifests, directory)),
  )
}

async function buildPackage(
  released: Released,
  manifest: Manifest,
  ours: readonly Manifest[],
  directory: string,
): Promise<Built> {
  const stage = join(directory, 'stage', released.folder)
  await rm(stage, { recursive: true, force: true })
  await mkdir(stage, { recursive: true })
  await compile(released, stage)
  await cp(join(root, 'LICENSE'), join(stage, 'LICENSE'))
  await cp(join(root, released.folder, 'README.md'), join(stage, 'README.md'))
  if (released.imported) await copySources(released.folder, stage)
  if ('bin' in manifest) await cp(join(root, released.folder, 'bin'), join(stage, 'bin'), { recursive: true })
  const text = JSON.stringify(releasedManifest(manifest, ours, released), undefined, 2)
  await writeFile(join(stage, 'package.json'), `${text}\n`)
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', directory], { cwd: stage })
  const { name, version } = manifest
  return { name, version, tarball: join(directory, `${name.slice(1).replace('/', '-')}-${version}.tgz`) }
}

async function compile({ folder, entries, imported, target, lib }: Released, stage: string): Promise<void> {
  const source = join(root, folder, 'src')
  const config = join(stage, '..', `${folder}.json`)
  const compilerOptions = {
    noEmit: false,
    noEmitOnError: true,
    rewriteRelativeImportExtensions: true,
    target,
    lib,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    rootDir: source,
    outDir: join(stage, 'dist'),
    declaration: imported,
    declarationMap: imported,
  }
  const files = entries.map((entry) => join(source, entry))
  await writeFile(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, files, include: [] }),
  )
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, '-p', config]).catch(({ stdout }: { readonly stdout: string }) => {
    throw new Error(`${folder} does not compile for release:\n${stdout}`)
  })
}

/**
 * The sources of what was compiled, and no others, with declaration maps that lead to them: as the compiler writes a map,
 * it leads into this checkout.
 */
async function copySources(folder: string, stage: string): Promise<void> {
  const compiled = await readdir(join(stage, 'dist'), { recursive: true })
  for (const file of compiled.filter((name) => name.endsWith('.d.ts.map'))) {
    const source = file.replace('.d.ts.map', '.ts')
    const map = join(stage, 'dist', file)
    const copy = join(stage, 'src', source)
    await cp(join(root, folder, 'src', source), copy, { recursive: true })
    const text = JSON.parse(await readFile(map, 'utf8')) as object
    await writeFile(map, JSON.stringify({ ...text, sources: [relative(dirname(map), copy)] }))
  }
}
