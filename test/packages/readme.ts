import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../support/sources.ts'

/** The files that a README holds, by the name in their first line, and the commands it tells the reader to run. */
export interface Readme {
  readonly files: ReadonlyMap<string, string>
  readonly commands: readonly string[]
  /** What the README's `diff` blocks change: lines that come and lines that go. */
  readonly changes: ReadonlyMap<string, { readonly added: number; readonly removed: number }>
}

export async function readReadme(folder: string): Promise<Readme> {
  const text = await readFile(join(root, folder, 'README.md'), 'utf8')
  const blocks = [...text.matchAll(/^```(\w+)\n([^]*?)^```/gm)].map(([, kind = '', body = '']) => ({
    kind,
    body,
  }))
  const diffs = blocks.filter(({ kind }) => kind === 'diff')
  const programs = blocks
    .filter(({ kind }) => kind === 'ts' || kind === 'yaml')
    .map(({ body }) => body)
    .concat(diffs.map(({ body }) => patched(body, '+')))
  return {
    files: new Map(programs.map((body) => [nameIn(body), body])),
    commands: blocks
      .filter(({ kind }) => kind === 'sh')
      .flatMap(({ body }) => body.split('\n').filter((line) => line !== '')),
    changes: new Map(
      diffs.map(({ body }) => [
        nameIn(patched(body, '+')),
        { added: count(body, '+'), removed: count(body, '-') },
      ]),
    ),
  }
}

/** The programs of these READMEs together. */
export async function programsOf(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const readmes = await Promise.all(folders.map(readReadme))
  return new Map(readmes.flatMap(({ files }) => [...files]))
}

/** A diff block as it reads after (`+`) or before (`-`) the change. */
export function patched(diff: string, side: '+' | '-'): string {
  const lines = diff
    .split('\n')
    .filter((line) => line === '' || line.startsWith(' ') || line.startsWith(side))
  return lines.map((line) => line.slice(1)).join('\n')
}

function count(diff: string, sign: string): number {
  return diff.split('\n').filter((line) => line.startsWith(sign) && line.slice(1).trim() !== '').length
}

function nameIn(body: string): string {
  const name = /^(?:\/\/|#) (\S+)\n/.exec(body)?.[1]
  if (name === undefined) throw new Error(`A code block names no file in its first line:\n${body}`)
  return name
}
