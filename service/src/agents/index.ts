export type { Agent, AgentKind, LearntAgent, NamedAgent, Standing } from './agent.ts'
export type { AgentRow, AgentStore } from './agent-store.ts'
export { type Agents, type AgentsDeps, createAgents, type ListedAgent } from './agents.ts'
export { ASSERTION_ALGORITHMS } from './authentication-method.ts'
export { type ClientMetadata, parseClientMetadata } from './client-metadata.ts'
export { type DocumentHost, presetHosts } from './document-hosts.ts'
export { documentUrl, isDocumentId } from './document-id.ts'
export { createDocuments, type Documents } from './documents.ts'
export {
  isLoopbackRedirect,
  isNativeRedirect,
  redirectAllowed,
  redirectName,
  withoutPort,
} from './redirect-uris.ts'
