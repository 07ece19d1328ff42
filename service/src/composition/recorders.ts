import type { Audit } from '#audit'
import type { Grant } from '#grants'
import type { Session, User, Users } from '#users'

/** How sign-ins and grants come on record. */
export function recorders(audit: Audit, users: Users) {
  const person = async (id: string) => ({ id, username: (await users.find(id))?.subjectId.sub })
  return {
    async signIn(user: User, { id: session, acr }: Session) {
      const { id, subjectId } = user
      await audit.event({
        kind: 'sign_in',
        user: { id, username: subjectId.sub },
        provider: 'built-in',
        session,
        acr,
      })
    },
    async consent({ id: grant, version, user, agent, mounts }: Grant) {
      const scopes = Object.fromEntries(
        Object.entries(mounts).map(([server, granted]) => [server, granted.scopes]),
      )
      const ref = await audit.event({
        kind: 'grant_given',
        user: await person(user),
        agent,
        grant,
        version,
        mounts: scopes,
      })
      return (status: 'failed' | 'unknown', reason: string) => audit.amend(ref, { status, reason })
    },
    agentChange(agent: string, change: 'disabled' | 'enabled') {
      // In force already, as a revocation is.
      audit.note({ kind: 'agent_changed', agent, change, by: 'operator' })
    },
    async revocation({ id: grant, user, agent }: Grant, by: 'user' | 'operator') {
      // It is in force already: the name is left out where it cannot be read, and the operator is not told of a failure.
      const revoked = await person(user).catch(() => ({ id: user }))
      audit.note({ kind: 'grant_revoked', user: revoked, agent, grant, by })
    },
    async signOut({ id: session, account }: Session) {
      // In force already, as a revocation is.
      const user = await person(account).catch(() => ({ id: account }))
      audit.note({ kind: 'sign_out', user, session, by: 'user' })
    },
    signOutEverywhere(id: string, username: string) {
      audit.note({ kind: 'sign_out', user: { id, username }, by: 'operator' })
    },
  }
}
