import type { Handler } from './handler.ts'

/** What is served where: by exact path, or by the first segment of the path. */
export interface Routes {
  readonly paths: Readonly<Record<string, Handler>>
  readonly segments: Readonly<Record<string, Handler>>
}

/** What is served now. Another takes its place in one step, and what has begun finishes on what it began with. */
export interface Stage {
  /** Finds who serves a path now. Call `left` once the request has ended. */
  enter(path: string): { readonly handler: Handler | undefined; readonly left: () => void }
  /** Serves these from now on. Resolves when the last request of those before has ended. */
  replace(routes: Routes): Promise<void>
}

export function createStage(first: Routes): Stage {
  let set = sceneOf(first)
  return {
    enter(path) {
      const entered = set
      entered.requests++
      return {
        handler: entered.paths.get(path) ?? entered.segments.get(path.split('/')[1] ?? ''),
        left() {
          entered.requests--
          if (entered.requests === 0) entered.empty?.()
        },
      }
    },
    replace(routes) {
      const before = set
      set = sceneOf(routes)
      if (before.requests === 0) return Promise.resolve()
      return new Promise((resolve) => (before.empty = resolve))
    },
  }
}

interface Scene {
  readonly paths: ReadonlyMap<string, Handler>
  readonly segments: ReadonlyMap<string, Handler>
  requests: number
  empty: (() => void) | undefined
}

function sceneOf({ paths, segments }: Routes): Scene {
  return {
    paths: new Map(Object.entries(paths)),
    segments: new Map(Object.entries(segments)),
    requests: 0,
    empty: undefined,
  }
}
