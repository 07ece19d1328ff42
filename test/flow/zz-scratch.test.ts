import { test } from 'vitest'
import { openWorld } from '../support/world.ts'
test('x', async () => {
  const world = await openWorld()
  for (const d of ['oauth-authorization-server','openid-configuration']) {
    const r = await fetch(`${world.publicUrl}/.well-known/${d}`)
    console.log(r.status, Object.fromEntries(r.headers), JSON.stringify(await r.json(), null, 1))
  }
  for (const p of ['/reg','/register','/userinfo','/me','/token/introspection','/token/revocation','/introspect','/revoke','/request','/session/end','/device/auth','/authorize/x','/authorize'])
    { const r = await fetch(world.publicUrl+p, {method: 'POST', redirect:'manual'}); const t = await r.text();  console.log(p, r.status, t.slice(0,300)) }
  await world.close()
})
