#!/usr/bin/env node
// Old syntax on purpose: an old Node must be able to read this file, to say what it lacks.
import { spawn } from 'child_process'
import { existsSync } from 'fs'
import module from 'module'
import { dirname, join } from 'path'
import { fileURLToPath } from 'url'

const NEEDED = 26
const self = fileURLToPath(import.meta.url)
const root = dirname(dirname(self))
// A clone runs its sources; a package has compiled ones, since Node strips no types below node_modules.
const isClone = existsSync(join(root, 'core', 'cli.ts'))

function ownNode () {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const places = [['node_modules', 'node', 'bin'], ['node_modules', '.bin'], ['..', 'node', 'bin'], ['..', '.bin']]
  return places.map(function (place) { return join(root, ...place, name) }).find(existsSync) || null
}

function relaunch (node) {
  const env = Object.assign({}, process.env, { OFFPEAK_RELAUNCHED: '1' })
  const child = spawn(node, [self].concat(process.argv.slice(2)), { stdio: 'inherit', env: env })
  function pass (signal) {
    // A terminal tells the child itself, and twice would mean: at once.
    if (signal === 'SIGINT' && (process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY)) return
    child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass)
  child.on('error', refuse)
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

function refuse () {
  const needs = 'offpeak needs Node ' + NEEDED + ' or later and this is ' + process.version
  const cure = isClone
    ? 'run `npm install` in ' + root + ', which brings its own, or install a later one'
    : 'install a later one, or run `npm install node@' + NEEDED + '` where offpeak is installed'
  process.stderr.write(needs + ': ' + cure + '.\n')
  process.exit(1)
}

// Calls to a file system that is gone keep their threads: there must be more threads than tasks that run at once.
if (process.argv[2] === 'start' && !process.env.UV_THREADPOOL_SIZE) process.env.UV_THREADPOOL_SIZE = '64'

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  // Compiled code is kept beside the packages: who could change it could change them as well. Coverage is exact without.
  if (!process.env.NODE_V8_COVERAGE) module.enableCompileCache(join(root, 'node_modules', '.cache', 'offpeak'))
  const loaded = isClone ? import('../core/cli.ts') : import('../dist/core/cli.js')
  loaded.then(cli => cli.main(process.argv))
} else {
  const node = process.env.OFFPEAK_RELAUNCHED ? null : ownNode()
  if (node === null) refuse()
  else relaunch(node)
}
