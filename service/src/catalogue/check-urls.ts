import type { Draft } from './draft.ts'
import { type Path, type Problem, valueProblem } from './problem.ts'
import { parseUrl } from './url.ts'

/** A token has one audience: no two parties answer at one address, and none at ours (or a mount of ours). */
export function* checkAddresses(draft: Draft): Generator<Problem> {
  const own = parseUrl(draft.publicUrl ?? '')
  const taken = new Map<string, string>()
  for (const { owner, path, url } of addresses(draft)) {
    const address = url.href.replace(/\/$/, '')
    const other = taken.get(address)
    if (url.origin === own?.origin)
      yield valueProblem(path, 'This is the address of Tetrapod itself: write where this party listens.')
    else if (other !== undefined)
      yield valueProblem(path, `This is the address of ${other}: every server and API has one of its own.`)
    taken.set(address, owner)
  }
}

interface Address {
  readonly owner: string
  readonly path: Path
  readonly url: URL
}

function addresses({ servers, apis }: Draft): readonly Address[] {
  return [
    ...Object.entries(servers).flatMap(([key, server]) => address(['servers', key, 'url'], server?.url)),
    ...Object.entries(apis).flatMap(([key, api]) => address(['apis', key, 'resource'], api?.resource)),
  ]
}

function address(path: readonly [string, string, string], text: string | undefined): readonly Address[] {
  const url = parseUrl(text ?? '')
  return url === undefined ? [] : [{ owner: `${path[0]}.${path[1]}`, path, url }]
}
