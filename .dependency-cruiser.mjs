/** Neither files nor folders import each other in a circle: what is read first must not need what comes later. */
const to = { circular: true };

export default {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to },
    { name: 'no-folder-cycle', severity: 'error', scope: 'folder', from: {}, to },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(\\.spec|\\.load)\\.ts$|/(test|load)/|^dist' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
  },
};
