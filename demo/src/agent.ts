import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { createAgent, fileStore, generateClientKey, publicJwks } from '@tetrapod/agent-sdk'
import { agentApp } from './agent/agent-app.ts'
import { readAudit } from './agent/audit-lines.ts'
import { callTool } from './agent/call-tool.ts'
import { AUDIT_URL } from './company.ts'
import { readFlags } from './flags.ts'
import { keyFrom } from './key-file.ts'
import { serve } from './serve.ts'

const { port, gateway, key: file } = readFlags('port', 'gateway', 'key')
const auditUrl = process.env[AUDIT_URL]
if (auditUrl === undefined) throw new Error(`The variable ${AUDIT_URL} is missing: where the audit lines are`)
const origin = `http://127.0.0.1:${port}`
// The planner and the researcher are agents of their own, with keys of their own; they live here to keep the demo small.
const beside = (name: string) => keyFrom(join(dirname(file), `${name}.key.json`), generateClientKey)
const [plannerKey, researcherKey] = await Promise.all([beside('planner'), beside('researcher')])
const app = agentApp({
  origin,
  mcpUrl: gateway,
  agent: createAgent({
    name: 'Demo assistant',
    key: await keyFrom(file, generateClientKey),
    // Its registration outlives it: the users' grants are for the id that is in there.
    store: fileStore(join(dirname(file), 'agent')),
    redirectUri: `${origin}/callback`,
  }),
  team: {
    planner: createAgent({
      client: { id: 'planner', key: plannerKey },
      redirectUri: `${origin}/planner/callback`,
    }),
    researcher: createAgent({ client: { id: 'researcher', key: researcherKey } }),
  },
  keys: { planner: publicJwks(plannerKey), researcher: publicJwks(researcherKey) },
  callTool: (login, name, input) => callTool(gateway, login, name, input),
  readAudit: () => readAudit(auditUrl, 12),
  newId: () => randomBytes(32).toString('base64url'),
})
serve({ handle: getRequestListener(app.fetch), close: () => {} }, Number(port))
