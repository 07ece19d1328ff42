import { expect, test } from 'vitest'
import { receiverOf } from './receiver.ts'

const local = 'http://127.0.0.1:4000/cb'
const web = 'https://agent.example/cb'

test.each([
  [web, [web, local], { kind: 'host', host: 'agent.example' }],
  [local, [local], { kind: 'this machine', host: '127.0.0.1:4000', only: true }],
  [local, [local, 'http://localhost/cb'], { kind: 'this machine', host: '127.0.0.1:4000', only: true }],
  [local, [local, web], { kind: 'this machine', host: '127.0.0.1:4000', only: false }],
  ['cursor://anysphere/cb', ['cursor://anysphere/cb'], { kind: 'app', scheme: 'cursor:' }],
  ['com.example.app:/cb', [local], { kind: 'app', scheme: 'com.example.app:' }],
])('the answer to %s, of an agent that has %j, goes to %j', (uri, registered, receiver) => {
  expect(receiverOf(uri, registered)).toEqual(receiver)
})
