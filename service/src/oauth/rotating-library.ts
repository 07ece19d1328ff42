import type { Provider } from 'oidc-provider'
import type { Handler } from '#http'
import type { KeySet, SigningKeys } from '#tokens'

/** The library with one set of keys. */
export interface BuiltLibrary {
  readonly provider: Provider
  readonly handle: Handler
}

/**
 * The library with the keys of the moment: it copies them when it is built, so another set is another build, which the next
 * request gets. A request under way stays with the build that it began with: what it signs still verifies.
 */
export function rotatingLibrary(
  keys: Pick<SigningKeys, 'current'>,
  build: (keys: KeySet) => Promise<BuiltLibrary>,
): () => Promise<BuiltLibrary> {
  let latest: { readonly kids: string; readonly built: Promise<BuiltLibrary> } | undefined
  return async () => {
    const current = await keys.current()
    const kids = current.published.map(({ kid }) => kid).join(' ')
    if (latest?.kids === kids) return latest.built
    const next = { kids, built: build(current) }
    latest = next
    // A build that failed is tried again by the next request.
    next.built.catch(() => {
      if (latest === next) latest = undefined
    })
    return next.built
  }
}
