import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Released } from './released.ts'

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly [member: string]: unknown
}

export async function readManifest(root: string, folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as Manifest
}

/**
 * What the released package says of itself. In the repository a package is private and points at its sources; released,
 * it points at compiled code, and says nothing of how it was made.
 * Throws unless it asks for each package of ours in exactly the version that is released with it.
 */
export function releasedManifest(manifest: Manifest, ours: readonly Manifest[], released: Released): object {
  for (const { name, version } of ours) {
    const asked = manifest.dependencies[name] ?? version
    if (asked !== version) throw new Error(`${manifest.name} asks for ${name} ${asked}, which is ${version}`)
  }
  const { private: _, devDependencies: __, scripts: ___, exports: ____, imports, ...kept } = manifest
  return {
    ...kept,
    ...(released.imported ? { sideEffects: false, exports: EXPORTS } : {}),
    ...(imports === undefined ? {} : { imports: { '#*': './dist/*/index.js' } }),
  }
}

const EXPORTS = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } }
