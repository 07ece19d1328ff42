import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root } from './support/sources.ts'

/** A checkout that has nothing but the command, and an npm that notes each of its runs. */
let clone = ''
beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'tetrapod-clone-'))
  await cp(join(root, 'bin/with-node.js'), join(clone, 'bin/with-node.js'))
  await writeFile(join(clone, 'package.json'), '{"type":"module"}')
  await writeFile(join(clone, 'package-lock.json'), '{}')
})
afterEach(() => rm(clone, { recursive: true, force: true }))

async function npm(script: string): Promise<void> {
  const file = join(clone, 'path/npm')
  await mkdir(join(clone, 'path'), { recursive: true })
  await writeFile(file, `#!/bin/sh\necho "$@" >> runs\n${script}\n`)
  await chmod(file, 0o755)
}

// As slow as it takes for the others to meet it at work; `npm ci` empties node_modules first.
const installs = `rm -rf node_modules; sleep 0.4; mkdir -p node_modules/node/bin; ln -s "${process.execPath}" node_modules/node/bin/node`

function command(): Promise<{ readonly code: number | null; readonly errors: string }> {
  const path = `${join(clone, 'path')}:${process.env['PATH'] ?? ''}`
  const child = spawn(process.execPath, [join(clone, 'bin/with-node.js'), '-e', '0'], {
    env: { ...process.env, PATH: path },
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, errors })))
}

const runs = async () => (await readFile(join(clone, 'runs'), 'utf8')).trimEnd().split('\n')

test('three commands at once on a fresh clone install once, and all work', async () => {
  await npm(installs)
  const ended = await Promise.all([command(), command(), command()])
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(ended.filter(({ errors }) => errors.includes('Waiting for another command'))).toHaveLength(2)
  expect(await runs()).toHaveLength(1)
  expect((await command()).errors).toBe('')
})

test('a lock whose owner has died keeps nobody waiting', async () => {
  await npm(installs)
  // Above what Linux gives as a process id.
  await writeFile(join(clone, '.install-lock'), '4194999')
  expect((await command()).code).toBe(0)
  expect((await readdir(clone)).filter((name) => name.startsWith('.install-lock'))).toEqual([])
})

test('an installation that failed is told, leaves no lock, and is tried again', async () => {
  await npm('exit 3')
  expect(await command()).toMatchObject({ code: 1, errors: expect.stringContaining('npm ci failed') })
  await npm(installs)
  expect((await command()).code).toBe(0)
})

test('another lockfile is installed anew', async () => {
  await npm(installs)
  await command()
  await writeFile(join(clone, 'package-lock.json'), '{"new":1}')
  await command()
  expect(await runs()).toHaveLength(2)
})
