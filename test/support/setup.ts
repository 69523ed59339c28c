// Runs before every test file: quiet tfjs's advice to install tfjs-node, which is noise in our logs.
import * as tf from '@tensorflow/tfjs';

tf.env().set('IS_TEST', true);
