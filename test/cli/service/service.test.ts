import t from 'tap'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cli, place } from '../setup.ts'
import { launchdAgent, systemdUnit } from '../../../core/cli/service/service-file.ts'
import { spawnSync } from '../../child.ts'

const ASK = {
  node: '/opt/my node/node',
  program: '/p/$x/100%.js',
  config: '/home/ann/a & b/config.json',
  options: [],
  folder: '/home/ann/a & b',
  home: '/home/ann',
  user: null
}

t.test('the unit starts this program in the folder of the user, and quotes what systemd would read', async t => {
  const unit = systemdUnit(ASK)
  t.match(unit, '\nExecStart="/opt/my node/node" /p/$$x/100%%.js start --config "/home/ann/a & b/config.json"\n')
  t.match(unit, '\nWorkingDirectory=/home/ann/a & b\n')
  t.match(unit, /RestartPreventExitStatus=78[^]*WantedBy=default\.target\n$/)
  t.notMatch(unit, 'User=')
  t.match(systemdUnit({ ...ASK, user: 'ann' }), /\nUser=ann\n[^]*WantedBy=multi-user\.target/)
})

t.test('a service starts with the environment and the data folder that it was installed with', async t => {
  const options = ['--data', '/mnt/my "5 %" & more', '--env', 'night']
  t.match(systemdUnit({ ...ASK, options }), ' --data "/mnt/my \\"5 %%\\" & more" --env night\n')
  const agent = launchdAgent({ ...ASK, options }).replaceAll(/>\s+</g, '><')
  t.match(agent, '<string>--data</string><string>/mnt/my "5 %" &amp; more</string>')
  t.match(agent, '<string>--env</string><string>night</string></array>')
  const cwd = place(t)
  const install = async (...words: string[]) => await cli(['service', 'install', '--print', ...words], { cwd })
  t.match(await install('--env', 'night', '--data', 'my data'), { code: 0, out: `"${join(cwd, 'my data')}"` })
  t.match((await install('--env', 'night', '--data', 'd')).out, `--data ${join(cwd, 'd')}`)
  t.match((await install('--env', 'night')).out, '--env night')
  t.match(await install('--data', 'a\nb'), { code: 2, err: /control character/ })
})

t.test('the account of a service is a name or a number, and belongs to --system', {
  skip: process.platform !== 'linux'
}, async t => {
  const cwd = place(t)
  const install = async (...words: string[]) => await cli(['service', 'install', '--print', ...words], { cwd })
  for (const user of ['root\nExecStartPre=/bin/evil', 'ro ot;x', '', '-x', '1x', 'a%u', 'a'.repeat(32)]) {
    t.match(await install('--system', `--user=${user}`), { code: 2, out: '', err: /--user is ".*expected/ }, user)
  }
  t.match(await install('--system', '--user', '_web-1'), { code: 0, out: /\nUser=_web-1\nWorkingDirectory=/ })
  t.match(await install('--system', '--user', '1000'), { code: 0, out: /\nUser=1000\n/ })
  t.match(await install('--system'), { code: 0, out: /\nUser=[\w-]+\n/ })
  t.match(await install('--user', 'ann'), { code: 2, out: '', err: /--system is missing/ })
})

t.test('systemd accepts the unit', { skip: existsSync('/usr/bin/systemd-analyze') ? false : 'no systemd' }, async t => {
  const folder = t.testdir({})
  const file = join(folder, 'offpeak.service')
  writeFileSync(file, systemdUnit({ ...ASK, node: process.execPath, program: import.meta.filename, folder }))
  const { stderr } = spawnSync('/usr/bin/systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
  t.notMatch(String(stderr), /offpeak\.service.*(?:Unknown|Invalid|not executable|Failed)/)
})

t.test('the agent of launchd has the same words, escaped', async t => {
  const text = launchdAgent(ASK)
  t.match(text, '<string>/home/ann/a &amp; b/config.json</string>')
  t.match(text, /<key>Label<\/key>\n {2}<string>io\.offpeak<\/string>/)
  t.equal(text.match(/<(?:dict|array|string|key|integer)>/g)!.length,
    text.match(/<\/(?:dict|array|string|key|integer)>/g)!.length)
})

t.test('a service is installed, started and removed through systemctl', { skip: process.platform !== 'linux' },
  async t => {
    const cwd = place(t)
    const bin = join(cwd, 'bin')
    mkdirSync(bin)
    const calls = () => readFileSync(join(cwd, 'calls'), 'utf8')
    writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\necho "$*" >> '${join(cwd, 'calls')}'\n`, { mode: 0o755 })
    const asked = { cwd, env: { HOME: cwd, PATH: `${bin}:${process.env.PATH}` } }
    const file = join(cwd, '.config/systemd/user/offpeak.service')
    t.match(await cli(['service', 'install', '--print'], asked), { code: 0, out: /^# .*offpeak\.service\n\[Unit\]/ })
    t.notOk(existsSync(file), 'printing writes nothing')
    t.match(await cli(['service', 'install', '--print', '--user', 'ann'], asked), { code: 2, err: /Add --system/ })
    t.match(await cli(['service', 'install'], asked), { code: 0, out: /offpeak\.service is written/ })
    t.match(readFileSync(file, 'utf8'), `--config ${join(cwd, 'config.json')}`)
    t.equal(calls(), '--user daemon-reload\n--user enable --now offpeak.service\n')
    t.match(await cli(['service', 'remove', '--print'], asked), { code: 0, out: /disable --now offpeak\.service\nrm / })
    t.match(await cli(['service', 'remove'], asked), { code: 0, out: /is removed/ })
    t.notOk(existsSync(file))
    t.match(calls(), /disable --now offpeak\.service\n$/)
    t.match(await cli(['service', 'remove'], asked), { code: 2, err: /There is no service/ })
    writeFileSync(join(bin, 'systemctl'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    t.match(await cli(['service', 'install'], asked), {
      code: 1,
      err: /Run by hand:\n {2}systemctl --user daemon-reload\n {2}systemctl --user enable --now/
    })
  })
