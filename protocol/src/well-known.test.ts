import { expect, test } from 'vitest'
import { authorizationServerMetadataUrl, protectedResourceMetadataUrl } from './well-known.ts'

test.each([
  ['https://gw.example/crm/mcp', 'https://gw.example/.well-known/oauth-protected-resource/crm/mcp'],
  ['https://gw.example', 'https://gw.example/.well-known/oauth-protected-resource'],
  ['https://gw.example/', 'https://gw.example/.well-known/oauth-protected-resource'],
  ['http://127.0.0.1:4000/mcp', 'http://127.0.0.1:4000/.well-known/oauth-protected-resource/mcp'],
  ['https://gw.example/mcp/', 'https://gw.example/.well-known/oauth-protected-resource/mcp/'],
  ['https://gw.example/mcp?tenant=a', 'https://gw.example/.well-known/oauth-protected-resource/mcp?tenant=a'],
])('the metadata of the resource %s lies between its host and its path', (resource, url) => {
  expect(protectedResourceMetadataUrl(resource)).toBe(url)
})

test.each([
  ['https://as.example', 'https://as.example/.well-known/oauth-authorization-server'],
  ['https://as.example/tenant/1', 'https://as.example/.well-known/oauth-authorization-server/tenant/1'],
])('the metadata of the issuer %s lies between its host and its path', (issuer, url) => {
  expect(authorizationServerMetadataUrl(issuer)).toBe(url)
})
