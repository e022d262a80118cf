/** The kinds of task files that `offpeak new` writes. */
export const KINDS = ['ts', 'shell', 'python'] as const
export type Kind = typeof KINDS[number]

export const ENDINGS: Record<Kind, string> = { ts: '.ts', shell: '.sh', python: '.py' }

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

// At the start of a line the checks would read them as an import and an export of this file.
const DEFINITIONS = 'export const TASK_DEFINITIONS: TaskDefinition[]'
const TYPES = ['import type { TaskContext, TaskDefinition }', "'offpeak'"].join(' from ')

export const helloTs = `${TYPES}

async function hello (ctx: TaskContext) {
  ctx.log.info('hello')
  return { said: 'hello' }
}

${DEFINITIONS} = [{
  id: 'hello',
  func: hello,
  // Every five minutes. Without a trigger a task runs on request only.
  trigger: '*/5 * * * *'
}]
`

export const helloSh = `#!/bin/sh
# offpeak: id = hello_shell ; schedule = */10 * * * * ; timeout = 60s
echo 'hello from the shell'
echo '50%'
echo '::result {"said": "hello"}'
`

export const configJson = `{
  "$schema": "./node_modules/offpeak/config.schema.json",
  // Every setting is optional. Per task id: any field of its definition, such as "hello": { "enabled": false }.
  "tasks": {},
  "server": { "port": 7420 }
}
`

export const gitignore = `data/
node_modules/
`

export const packageJson = ({ name, dependency }: { name: string, dependency: string }): string =>
  json({
    name,
    private: true,
    type: 'module',
    scripts: { start: 'exec offpeak start' },
    dependencies: { offpeak: dependency },
    devDependencies: { '@types/node': `^${process.versions.node.split('.')[0]}.0.0` }
  })

export const tsconfigJson = json({
  compilerOptions: {
    target: 'esnext',
    module: 'nodenext',
    lib: ['esnext', 'esnext.temporal'],
    types: ['node'],
    noEmit: true,
    strict: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true
  },
  include: ['backgroundtask']
})

const taskTs = (id: string) =>
  `${TYPES}

async function run (ctx: TaskContext) {
  ctx.log.info('started')
  return { done: true }
}

${DEFINITIONS} = [{
  id: '${id}',
  func: run,
  // At 03:00 every day. Without a trigger a task runs on request only.
  trigger: '0 3 * * *',
  timeout: '10m'
}]
`

const taskSh = (id: string) =>
  `#!/bin/sh
# offpeak: id = ${id} ; schedule = 0 3 * * * ; timeout = 10m
set -eu
echo 'started'
echo '::result {"done": true}'
`

const taskPy = (id: string) =>
  `#!/usr/bin/env python3
# offpeak: id = ${id} ; schedule = 0 3 * * * ; timeout = 10m
print('started', flush=True)
print('::result {"done": true}', flush=True)
`

const TEXTS: Record<Kind, (id: string) => string> = { ts: taskTs, shell: taskSh, python: taskPy }

/** The text of a new task file. */
export const taskText = (kind: Kind, id: string): string => TEXTS[kind](id)
