import { randomBytes } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { createAgent, generateClientKey, publicJwks } from '@tetrapod/agent-sdk'
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
const key = await keyFrom(file, generateClientKey)
const app = agentApp({
  origin,
  mcpUrl: gateway,
  agent: createAgent({ client: { id: 'assistant', key }, redirectUri: `${origin}/callback` }),
  publicKeys: publicJwks(key),
  callTool: (login, name, input) => callTool(gateway, login, name, input),
  readAudit: () => readAudit(auditUrl, 12),
  newId: () => randomBytes(32).toString('base64url'),
})
serve({ handle: getRequestListener(app.fetch), close: () => {} }, Number(port))
