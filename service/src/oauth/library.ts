/** What of `oidc-provider` we use. */
export type Library = Awaited<ReturnType<typeof loadLibrary>>

/** The library warns on a Node that does not call itself LTS, as some builds from npm do not. One that does lets nobody change it. */
export async function loadLibrary() {
  if (process.release.lts === undefined) Object.assign(process.release, { lts: 'npm' })
  const { default: Provider, errors, interactionPolicy } = await import('oidc-provider')
  return { Provider, errors, interactionPolicy }
}
