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
    if (latest?.kids !== kids) latest = { kids, built: build(current) }
    return latest.built
  }
}
