export { disposition } from './disposition';
export { FILE_TYPES, fileName, type FileType, newFileKey, readFileKey } from './file-key';
export { FileAddresses, FILES_PATH, type OpenedGrant } from './folder/file-address';
export { FolderStorage } from './folder/folder-storage';
export { storageOrigin } from './origin';
export { type Content, type FileFacts, SIGNED_URL_SECONDS, type Storage } from './storage';
export { InjectStorage, STORAGE, StorageModule } from './storage.module';
