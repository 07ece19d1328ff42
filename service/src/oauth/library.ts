/** What of `oidc-provider` we use. */
export type Library = Awaited<ReturnType<typeof loadLibrary>>

/** The library warns on a Node that does not call itself LTS, as builds from npm do not. */
export async function loadLibrary() {
  Object.assign(process.release, { lts: process.release.lts ?? 'npm' })
  const { default: Provider, errors, interactionPolicy } = await import('oidc-provider')
  return { Provider, errors, interactionPolicy }
}
