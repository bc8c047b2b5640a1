//! Tells cargo that the program holds the files of the web page: a page built after the program is to get into it.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
}
