import { loadCatalogue } from '#catalogue'
import { asFault, createStage, logged, type Stage } from '#http'
import type { Log } from '#kernel'
import type { Revocation } from '#revocation'
import type { Secrets } from '#secrets'
import { type Deployment, type Edition, editionOf } from './deployment.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { type Settlement, settle, type SettleDeps } from './settle.ts'

/** What an edit did. */
export interface Reloaded extends Pick<Settlement, 'added' | 'removed'> {
  readonly digest: string
  readonly warnings: readonly string[]
}

/** The deployment that serves, and how another takes its place. */
export interface Reloading {
  readonly stage: Stage
  readonly current: Deployment
  /** Whether the last edit was refused: what is served is then not what is written. */
  readonly refused: boolean
  /**
   * Takes another text of the configuration: checks and builds all of it, ends what it leaves out, and serves it, in one
   * step, from the moment on in which this resolves. Requests that have begun finish on what they began with, unless a
   * revocation ends them. Of several texts at once the last counts. Throws `catalogue.invalid`, `audit.unavailable`,
   * storage faults: then nothing has changed.
   */
  reload(text: string): Promise<Reloaded>
  /** Keeps in mind, and in the log, that there was an edit that cannot be served. */
  refuse(error: unknown): void
  /** Waits for the edit under way and for what is no longer served, and closes everything. */
  close(): Promise<void>
}

export interface ReloadingDeps {
  readonly ground: SettleDeps & { readonly revocation: Revocation; readonly log: Log }
  readonly resolve: Secrets['resolve']
  readonly deploy: (edition: Edition) => Promise<Deployment>
  /** Called in the moment in which an edition takes effect. */
  readonly inForce: (edition: Edition) => void
}

/** Serves the first edition, once what is missing from it has ended. */
export async function openReloading(first: Edition, deps: ReloadingDeps): Promise<Reloading> {
  const { ground, resolve, inForce } = deps
  const { log, revocation } = ground
  const opened = await prepared(undefined, first, deps)
  for (const entry of opened.settlement.entries) revocation.learn(entry)
  let current = opened.deployment
  const stage = createStage(current.routes)
  const retiring = new Set<Promise<void>>()
  let refused: string | undefined
  let last: Promise<unknown> | undefined

  const replace = (next: Deployment, { entries }: Settlement) => {
    const before = current
    current = next
    inForce(next.edition)
    const empty = stage.replace(next.routes)
    for (const entry of entries) revocation.learn(entry)
    const retired = empty
      .then(() => before.close())
      .catch((error: unknown) => void logged(error, log))
      .finally(() => retiring.delete(retired))
    retiring.add(retired)
  }
  const once = oneAtATime(async (text: string): Promise<Reloaded> => {
    const { fixed: running } = current.edition
    const edition = editionOf(text, await loadCatalogue(text, { resolve, running }))
    const { deployment, settlement } = await prepared(current.edition, edition, deps)
    replace(deployment, settlement)
    refused = undefined
    const { digest, warnings } = edition
    const { added, removed } = settlement
    log.info({ digest, added, removed }, 'The configuration was changed.')
    for (const warning of warnings) log.warn({ warning }, 'configuration')
    return { digest, added, removed, warnings }
  })
  const refuse = (error: unknown) => {
    const { code, kind, message } = asFault(error)
    // The same edit, looked at again and again, is told once.
    if (refused === message) return
    refused = message
    const problems = message.split('\n')
    log.error({ code, problems }, 'The edited configuration is refused; the one before it is served on.')
    if (kind === 'internal') logged(error, log)
  }

  return {
    stage,
    get current() {
      return current
    },
    get refused() {
      return refused !== undefined
    },
    async reload(text) {
      const edit = once(text)
      last = edit
      try {
        return await edit
      } catch (error) {
        refuse(error)
        throw error
      }
    },
    refuse,
    async close() {
      await last?.catch(() => {})
      await Promise.all(retiring)
      await current.close()
    },
  }
}

/** Built whole, and what it leaves out has ended: nothing that could still fail stands before its effect. */
async function prepared(
  before: Edition | undefined,
  after: Edition,
  { ground, deploy }: ReloadingDeps,
): Promise<{ readonly deployment: Deployment; readonly settlement: Settlement }> {
  const deployment = await deploy(after)
  try {
    const strangers = () => strangersTo(deployment, ground)
    return { deployment, settlement: await settle({ before, after, strangers }, ground) }
  } catch (error) {
    await deployment.close()
    throw error
  }
}

/** Agents that named themselves, once met, whom the deployment does not let in. */
async function strangersTo({ agents }: Deployment, { storage }: SettleDeps): Promise<readonly string[]> {
  const met = (await storage.agents.list()).filter(({ kind }) => kind !== 'catalogue')
  const standing = await Promise.all(met.map(async ({ id }) => [id, await agents.standing(id)] as const))
  return standing.flatMap(([id, stands]) => (stands === undefined ? [id] : []))
}
