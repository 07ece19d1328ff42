import { join } from 'node:path'

/** The oldest Node that each package runs on: for the SDKs, for the service. */
export interface Nodes {
  readonly 20: string
  readonly 24: string
}

/**
 * The directories of `node` 20 and 24 (`TETRAPOD_TEST_NODE`), or undefined. Throws when `TETRAPOD_REQUIRE` names `node` and
 * they are missing: where they are promised, a package does not pass without having been installed.
 */
export function findNodes(): Nodes | undefined {
  const directory = process.env['TETRAPOD_TEST_NODE']
  if (directory !== undefined && directory !== '')
    return { 20: join(directory, '20/bin'), 24: join(directory, '24/bin') }
  const required = (process.env['TETRAPOD_REQUIRE'] ?? '').split(',').includes('node')
  const message =
    'TETRAPOD_TEST_NODE is not set: the packages were not installed. TETRAPOD_TEST_NODE=$(parts/node.sh start)'
  if (required) throw new Error(message)
  console.warn(message)
  return undefined
}
