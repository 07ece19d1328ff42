import { glob, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One file of the repository, its path from the root. */
export interface Source {
  readonly path: string
  readonly text: string
}

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** Every TypeScript file below the folders named. */
export async function readSources(...folders: readonly string[]): Promise<readonly Source[]> {
  const sources: Source[] = []
  for (const folder of folders) {
    for await (const file of glob('**/*.ts', { cwd: join(root, folder) })) {
      const path = join(folder, file)
      sources.push({ path, text: await readFile(join(root, path), 'utf8') })
    }
  }
  return sources
}

/** What a file imports, in whatever way: types, re-exports and worker entries count. Relative ones are made paths. */
export function importsOf({ path, text }: Source): readonly string[] {
  const found = [...code(text).matchAll(IMPORT)].map(([, ...names]) =>
    names.find((name) => name !== undefined),
  )
  return found
    .filter((name) => name !== undefined)
    .map((name) => (name.startsWith('.') ? normalize(join(dirname(path), name)) : name))
}

/** Statements begin a line, as Prettier has them, so that a sentence with `from 'x'` in it is none. */
const IMPORT = new RegExp(
  [
    String.raw`^[ \t]*import\s+(?:type\s+)?[\w*{}\s,$]+?\sfrom\s*['"]([^'"]+)['"]`,
    String.raw`^[ \t]*import\s*['"]([^'"]+)['"]`,
    String.raw`^[ \t]*export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s*['"]([^'"]+)['"]`,
    String.raw`\b(?:import|require|import\.meta\.resolve)\(\s*['"\x60]([^'"\x60]+)['"\x60]`,
    String.raw`\bnew URL\(\s*['"](\.{1,2}\/[^'"]+\.ts)['"],\s*import\.meta\.url`,
  ].join('|'),
  'gm',
)

/** The text without its comments: what is said in one is not done. */
export function code(text: string): string {
  return text.replaceAll(COMMENT_OR_STRING, (match) => (match.startsWith('/') ? '' : match))
}

const COMMENT_OR_STRING =
  /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[^]*?\*\//g
