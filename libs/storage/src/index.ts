export { disposition } from './disposition';
export {
  FILE_KINDS, FILE_TYPES, type FileKind, type FileName, fileName, type FileType, newFileKey, readFileKey,
} from './file-key';
export { FileAddresses, FILES_PATH, type OpenedGrant } from './folder/file-address';
export { FolderStorage } from './folder/folder-storage';
export { storageOrigin } from './origin';
export {
  type Content, type FileFacts, type PutOptions, SIGNED_URL_SECONDS, type SignedUrlOptions, type Storage,
  type StoredFile,
} from './storage';
export { InjectStorage, STORAGE, type StorageConfig, StorageModule } from './storage.module';
