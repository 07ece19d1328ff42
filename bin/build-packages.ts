/**
 * Makes what a stranger installs: a tarball of each released package, in a directory that is given. Prints their paths.
 *
 *   node bin/build-packages.ts DIRECTORY
 */
import { resolve } from 'node:path'
import { buildPackages } from './packages/build.ts'

const [directory] = process.argv.slice(2)
if (directory === undefined) {
  console.error('Say where to put them: node bin/build-packages.ts DIRECTORY')
  process.exit(2)
}
for (const { tarball } of await buildPackages(resolve(directory))) console.log(tarball)
